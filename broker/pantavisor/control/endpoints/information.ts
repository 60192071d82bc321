import type { Quirks } from "../../../shared/quirks/quirks.ts";
import { jsonReply } from "../reply.ts";
import type { Route } from "../route.ts";

/** Wake locks are off in an appengine: it never sleeps (docs/pantavisor.md §3.3). */
const WAKELOCKS = {
  mode: "disabled",
  count: 0,
  degraded: false,
  autosleep: false,
  settling: false,
  polling: false,
  run_window: false,
  held: {
    boot: false,
    update: false,
    update_check: false,
    devmeta: false,
    usrmeta: false,
    shutdown: false,
    debug_shell: false,
    poll: false,
  },
};

/** Routes whose replies never change in an appengine. */
export function informationRoutes(quirks: Quirks): Route[] {
  const get = (path: string, body: unknown): Route => ({
    path,
    methods: { GET: { reply: () => jsonReply(body) } },
  });
  return quirks.has("wakelocks-missing") ? [] : [get("/wakelocks", WAKELOCKS)];
}
