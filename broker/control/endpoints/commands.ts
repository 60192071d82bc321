import { z } from "zod";
import type { EndpointContext, PantavisorView } from "../pantavisor-view.ts";
import { parseJson } from "../parse-json.ts";
import type { Reply } from "../reply.ts";
import { accepted, errorReply, jsonReply } from "../reply.ts";
import type { Route } from "../route.ts";

const BODY_LIMIT = 4096;
/** Seconds, as the real one says while something else is under way. */
const RETRY_AFTER = { "Retry-After": "600" };

const commandSchema = z.object({ op: z.string(), payload: z.unknown().optional() });

/** POST /commands (facts §3.6) and POST /storage/gc. */
export function commandRoutes({ view }: EndpointContext): Route[] {
  return [
    {
      path: "/commands",
      methods: {
        POST: {
          takes: BODY_LIMIT,
          answer({ body }) {
            if (view.quirks.has("command-dropped")) return accepted;
            const command = parseJson(body, commandSchema);
            if (command === undefined) return errorReply(400, "Command has bad format");
            return run(view, command.op);
          },
        },
      },
    },
    {
      path: "/storage/gc",
      methods: { POST: { answer: () => jsonReply({ reclaimed: view.collectGarbage() }) } },
    },
  ];
}

/** Whole names only: the real one takes any beginning of a name for it. */
function run(view: PantavisorView, op: string): Reply {
  switch (op) {
    case "POWEROFF_DEVICE":
      return end(view, "poweroff");
    case "REBOOT_DEVICE":
      return end(view, "reboot");
    case "RUN_GC":
      view.collectGarbage();
      return accepted;
    default:
      return errorReply(400, `Unknown command ${JSON.stringify(op)}`);
  }
}

function end(view: PantavisorView, outcome: "poweroff" | "reboot"): Reply {
  return view.end(outcome) ? accepted : errorReply(503, "Already going down", RETRY_AFTER);
}
