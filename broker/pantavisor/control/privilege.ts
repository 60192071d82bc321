import type { Caller } from "./caller.ts";
import type { PantavisorView } from "./pantavisor-view.ts";
import type { Reply } from "./reply.ts";
import { errorReply } from "./reply.ts";
import type { Match } from "./route.ts";

/** A caller that cannot be told from another gets no reply to anything. */
export function refuseUnknown(
  view: PantavisorView,
  caller: Caller,
  match: Match,
): Reply | undefined {
  const known =
    caller.kind === "host" ||
    view.quirks.has("caller-unknown-privileged") ||
    containerOfCaller(view, caller) !== undefined;
  if (known) return undefined;
  if (!view.quirks.has("caller-unknown-500")) return errorReply(403, "Caller cannot be identified");
  if (match.kind === "unknown") return undefined;
  const hasParameter = match.path.includes("{");
  return errorReply(500, hasParameter ? "Internal error, unknown caller" : "Internal Error");
}

export const unprivileged = errorReply(403, "Request not sent from a mgmt platform");

/** Containers without the role mgmt may not. */
export function refuseUnprivileged(view: PantavisorView, caller: Caller): Reply | undefined {
  const container = containerOfCaller(view, caller);
  const refused = container !== undefined && !container.roles.includes("mgmt");
  if (!refused || view.quirks.has("nobody-allowed")) return undefined;
  return unprivileged;
}

function containerOfCaller(view: PantavisorView, caller: Caller) {
  if (caller.kind !== "container") return undefined;
  return view.containers().find(({ plan }) => plan.name === caller.name);
}
