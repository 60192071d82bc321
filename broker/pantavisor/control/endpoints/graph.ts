import { readFileSync } from "node:fs";
import type { EndpointContext, PantavisorView } from "../pantavisor-view.ts";
import { jsonReply } from "../reply.ts";
import type { Route } from "../route.ts";

/** Milliseconds that each request waits under `xconnect-holds-ctrl`. */
const HELD = 10_000;

/** GET /xconnect-graph (docs/pantavisor.md §6.1): computed on each request. */
export function graphRoutes({ view, stall }: EndpointContext): Route[] {
  return [
    {
      path: "/xconnect-graph",
      methods: {
        GET: {
          reply({ caller }) {
            if (view.quirks.has("xconnect-holds-ctrl") && isManualBroker(view, caller.pid)) {
              stall.slowDown(HELD);
            }
            return jsonReply(view.graph());
          },
        },
      },
    },
  ];
}

/** A pv-xconnect that is not the daemon. */
function isManualBroker(view: PantavisorView, pid: number): boolean {
  if (view.daemons().some((daemon) => daemon.body().pid === pid)) return false;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("pv-xconnect");
  } catch {
    return false;
  }
}
