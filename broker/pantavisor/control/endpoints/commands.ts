import * as z from "zod";
import type { CommandRefusal, PantavisorView } from "../pantavisor-view.ts";
import { parseJson } from "../parse-json.ts";
import type { Reply } from "../reply.ts";
import { accepted, errorReply, jsonReply } from "../reply.ts";
import type { Route } from "../route.ts";

const BODY_LIMIT = 4096;
/** Seconds, as the real one says while something else is under way. */
const RETRY_AFTER = { "Retry-After": "600" };

const commandSchema = z.object({ op: z.string(), payload: z.unknown().optional() });

/** POST /commands (docs/pantavisor.md §3.6) and POST /storage/gc. */
export function commandRoutes(view: PantavisorView): Route[] {
  return [
    {
      path: "/commands",
      methods: {
        POST: {
          takes: BODY_LIMIT,
          async reply({ body }) {
            if (view.quirks.has("command-dropped")) return accepted;
            const parsed = parseJson(body, commandSchema, "Command");
            if ("error" in parsed) return errorReply(400, parsed.error);
            const command = parsed.value;
            const run = Object.hasOwn(COMMANDS, command.op) ? COMMANDS[command.op] : undefined;
            if (run === undefined) {
              const unknown = `Unknown command ${JSON.stringify(command.op)}`;
              view.onRefused("unknown", unknown);
              return errorReply(400, unknown);
            }
            const reply = await run(view, command.payload);
            if (reply.status !== accepted.status) view.onRefused(command.op, reasonOf(reply));
            return reply;
          },
        },
      },
    },
    {
      path: "/storage/gc",
      methods: { POST: { reply: () => jsonReply({ reclaimed: view.collectGarbage() }) } },
    },
  ];
}

/** Words of a refusal's body. */
function reasonOf({ body }: Reply): string {
  const [, reason = ""] = typeof body === "string" ? (/"Error":"(.*)"/.exec(body) ?? []) : [];
  return reason === "" ? "there is nothing to do" : reason;
}

type Command = (view: PantavisorView, payload: unknown) => Reply | Promise<Reply>;

/** Whole names only: the real one takes any beginning of a name for it. */
const COMMANDS: Readonly<Record<string, Command>> = {
  POWEROFF_DEVICE: (view) => end(view, "poweroff"),
  REBOOT_DEVICE: (view) => end(view, "reboot"),
  LOCAL_RUN: (view, payload) => runStep(view, payload, { reboot: false }),
  LOCAL_RUN_COMMIT: (view, payload) => runStep(view, payload, { reboot: true }),
  MAKE_FACTORY(view, payload) {
    const revision = payload === undefined || payload === "" ? "current" : payload;
    return withStep(view, revision, (name) => view.makeFactory(name));
  },
  RUN_GC(view) {
    view.collectGarbage();
    return accepted;
  },
  ENABLE_SSH: (view) => setSsh(view, true),
  DISABLE_SSH: (view) => setSsh(view, false),
  // An appengine of this configuration is local, unclaimed and has no debug shell.
  UPDATE_METADATA: () => errorReply(409, "Metadata is local: there is nothing to update it from"),
  GO_REMOTE: () => errorReply(409, "Remote control is disabled by the configuration"),
  UNCLAIM: ({ quirks }) => (quirks.has("unclaim-200") ? accepted : { ...accepted, status: 204 }),
  DEFER_REBOOT: () => errorReply(409, "There is no debug shell whose reboot could be deferred"),
};

function end(view: PantavisorView, outcome: "poweroff" | "reboot"): Reply {
  if (view.isUpdating()) return updating;
  return view.end(outcome) ? accepted : errorReply(503, "Already going down", RETRY_AFTER);
}

async function runStep(
  view: PantavisorView,
  payload: unknown,
  how: { reboot: boolean },
): Promise<Reply> {
  if (view.quirks.has("step-not-run")) return accepted;
  return withStep(view, payload, (name) => view.runStep(name, how));
}

/** Neither may happen while an update is under way, and both need a step that exists. */
async function withStep(
  view: PantavisorView,
  payload: unknown,
  act: (revision: string) => CommandRefusal | undefined | Promise<CommandRefusal | undefined>,
): Promise<Reply> {
  if (typeof payload !== "string") return errorReply(400, "Command has bad format");
  if (view.isUpdating()) return updating;
  if (view.steps.state(payload) === undefined) return errorReply(404, "Resource does not exist");
  const refused = await act(payload);
  if (view.quirks.has("run-refusal-200")) return accepted;
  return refused === undefined ? accepted : errorReply(refused.status, refused.reason);
}

const updating = errorReply(503, "An update is under way", RETRY_AFTER);

/** Switch ssh on or off until the next reboot. */
function setSsh(view: PantavisorView, on: boolean): Reply {
  view.override("PV_DEBUG_SSH", on ? "1" : "0");
  return accepted;
}
