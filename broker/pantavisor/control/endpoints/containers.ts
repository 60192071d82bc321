import type { ContainerBody } from "../../../shared/formats/control.ts";
import { CONTAINER_ACTIONS, actionRefusal } from "../../lifecycle/action-refusal.ts";
import { formatBackoffPolicy } from "../../lifecycle/recovery.ts";
import { parseAction } from "../action-body.ts";
import type { ContainerView, PantavisorView } from "../pantavisor-view.ts";
import type { Reply } from "../reply.ts";
import { accepted, errorReply, jsonReply } from "../reply.ts";
import type { Route } from "../route.ts";

const BODY_LIMIT = 1024;

/** GET /containers and PUT /containers/{name} (docs/pantavisor.md §3.4, §4.6). */
export function containerRoutes(view: PantavisorView): Route[] {
  return [
    {
      path: "/containers",
      methods: {
        GET: { reply: () => jsonReply(view.containers().map((one) => toBody(one, view))) },
      },
    },
    {
      path: "/containers/{name}",
      methods: {
        PUT: {
          takes: BODY_LIMIT,
          reply: ({ parameters, body }) => control(view, parameters["name"] ?? "", body),
        },
      },
    },
  ];
}

function control(view: PantavisorView, name: string, body: string): Reply {
  const container = view.containers().find(({ plan }) => plan.name === name);
  if (container === undefined) {
    return view.quirks.has("unknown-200") ? accepted : errorReply(404, "Container not found");
  }
  const { plan, state } = container;
  if (plan.restartPolicy === "system" && !view.quirks.has("system-controllable")) {
    const text = "Container has restart_policy 'system' and cannot be controlled via API";
    return errorReply(403, text);
  }
  const parsed = parseAction(body, CONTAINER_ACTIONS);
  if ("error" in parsed) {
    return view.quirks.has("bad-json-accepted") ? accepted : errorReply(400, parsed.error);
  }
  if (view.isDeparting(name)) return errorReply(409, "Container is being replaced by an update");
  const refused = actionRefusal(plan, state, parsed.action);
  if (refused !== undefined) return errorReply(400, refused);
  view.request(name, parsed.action);
  return accepted;
}

function toBody({ plan, state, roles }: ContainerView, { quirks }: PantavisorView): ContainerBody {
  const { recovery } = plan;
  const isRecovered = recovery !== undefined && recovery.policy !== "no";
  return {
    name: plan.name,
    group: plan.group,
    status: state.status,
    status_goal: plan.statusGoal,
    restart_policy: plan.restartPolicy,
    // The role nobody is none.
    roles: roles.filter((role) => role !== "nobody"),
    ...(isRecovered && !quirks.has("containers-field-missing")
      ? {
          auto_recovery: {
            policy: recovery.policy,
            max_retries: recovery.max_retries,
            current_retries: state.retries,
            stable_timeout: recovery.stable_timeout,
            is_stable: textBoolean(state.stable),
            ...(quirks.has("containers-fields-few")
              ? { backoff_policy: recovery.backoff_policy }
              : {
                  backoff_policy: formatBackoffPolicy(recovery.backoff_policy),
                  retry_delay: recovery.retry_delay,
                  backoff_factor: recovery.backoff_factor,
                  reset_window: recovery.reset_window,
                }),
          },
        }
      : {}),
    ...(plan.restartPolicy === "container" ? { user_stopped: textBoolean(state.userStopped) } : {}),
    ...(state.failure === undefined || quirks.has("start-error-silent")
      ? {}
      : { error: state.failure }),
  };
}

function textBoolean(value: boolean): "true" | "false" {
  return value ? "true" : "false";
}
