import type { ContainerPlan, ContainerState } from "./container-state.ts";

/** Actions that an API request may ask of a container. */
export const CONTAINER_ACTIONS = ["start", "stop", "restart"] as const;
export type ContainerAction = (typeof CONTAINER_ACTIONS)[number];

/**
 * The state rules of PUT /containers/{n} (docs/pantavisor.md §4.6), for a container that may be
 * controlled.
 * @returns why the action is refused, undefined when it is accepted
 */
export function actionRefusal(
  { name }: ContainerPlan,
  { status }: ContainerState,
  action: ContainerAction,
): string | undefined {
  const waiting = status === "INSTALLED" || status === "MOUNTED" || status === "BLOCKED";
  if (!waiting || action === "stop") return undefined;
  return action === "start"
    ? `Container '${name}' is ${status}: it must be STOPPED, STOPPING or RECOVERING to be started`
    : `Container '${name}' is ${status}: its state does not allow a restart`;
}
