import * as z from "zod";
import type { PantavisorView } from "../pantavisor-view.ts";
import { parseJson } from "../parse-json.ts";
import { accepted, errorReply } from "../reply.ts";
import type { Route } from "../route.ts";

const BODY_LIMIT = 1024;

const signalSchema = z.object({ type: z.enum(["ready", "alive"]) });

/**
 * POST /signal (docs/pantavisor.md §3.3): a container whose goal is READY says that it is. It says
 * so of itself alone, and any container may: who calls is known from its process.
 */
export function signalRoutes(view: PantavisorView): Route[] {
  return [
    {
      path: "/signal",
      methods: {
        POST: {
          takes: BODY_LIMIT,
          allows: "anyone",
          reply({ body, caller }) {
            const parsed = parseJson(body, signalSchema, "Signal");
            if ("error" in parsed) return errorReply(400, parsed.error);
            const sender =
              caller.kind === "container" && parsed.value.type === "ready"
                ? view.containers().find(({ plan }) => plan.name === caller.name)
                : undefined;
            if (sender?.plan.statusGoal !== "READY") {
              if (view.quirks.has("signal-from-anyone")) return accepted;
              const status = view.quirks.has("signal-unexpected-500") ? 500 : 403;
              return errorReply(status, "Signal not expected from this platform");
            }
            view.signalReady(sender.plan.name);
            return accepted;
          },
        },
      },
    },
  ];
}
