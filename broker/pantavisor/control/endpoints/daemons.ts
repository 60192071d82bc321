import { parseAction } from "../action-body.ts";
import type { PantavisorView } from "../pantavisor-view.ts";
import { accepted, errorReply, jsonReply } from "../reply.ts";
import type { Route } from "../route.ts";

const BODY_LIMIT = 1024;

/** GET /daemons and PUT /daemons/{name} (docs/pantavisor.md §3.5). */
export function daemonRoutes(view: PantavisorView): Route[] {
  return [
    {
      path: "/daemons",
      methods: { GET: { reply: () => jsonReply(view.daemons().map((one) => one.body())) } },
    },
    {
      path: "/daemons/{name}",
      methods: {
        PUT: {
          takes: BODY_LIMIT,
          reply({ parameters, body }) {
            const daemon = view.daemons().find((one) => one.body().name === parameters["name"]);
            if (daemon === undefined) return errorReply(404, "Daemon not found");
            const parsed = parseAction(body, ["start", "stop"] as const);
            if ("error" in parsed) {
              const lenient = view.quirks.has("daemon-bad-action-200");
              return lenient ? accepted : errorReply(400, parsed.error);
            }
            daemon[parsed.action]();
            return accepted;
          },
        },
      },
    },
  ];
}
