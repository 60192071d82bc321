import type { GroupBody } from "../../../shared/formats/control.ts";
import { formatBackoffPolicy } from "../../lifecycle/recovery.ts";
import type { GroupView, PantavisorView } from "../pantavisor-view.ts";
import { jsonReply } from "../reply.ts";
import type { Route } from "../route.ts";

/** GET /groups (docs/pantavisor.md §3.3). */
export function groupRoutes(view: PantavisorView): Route[] {
  return [
    {
      path: "/groups",
      methods: {
        GET: {
          reply: () =>
            jsonReply(view.quirks.has("groups-missing") ? [] : view.groups().map(toBody)),
        },
      },
    },
  ];
}

function toBody({ group, status }: GroupView): GroupBody {
  const recovery = group.auto_recovery;
  return {
    name: group.name,
    status_goal: group.status_goal,
    restart_policy: group.restart_policy,
    status,
    ...(recovery === undefined
      ? {}
      : {
          auto_recovery: {
            max_retries: recovery.max_retries,
            stable_timeout: recovery.stable_timeout,
            backoff_policy: formatBackoffPolicy(recovery.backoff_policy),
          },
        }),
  };
}
