import type { PantavisorView } from "../pantavisor-view.ts";
import { jsonReply, textReply } from "../reply.ts";
import type { Route } from "../route.ts";

/** Text of a setting without a value in /config2, where every value is text. */
const UNSET = "(null)";

/** GET /config, /config2 and /buildinfo (docs/pantavisor.md §3.3). */
export function configRoutes(view: PantavisorView): Route[] {
  const settings = () => (view.quirks.has("config-missing") ? [] : view.settings());
  return [
    {
      path: "/config",
      methods: {
        GET: {
          reply: () =>
            jsonReply(
              Object.fromEntries(
                settings().flatMap(({ alias, typed }) =>
                  alias === undefined ? [] : [[alias, typed]],
                ),
              ),
            ),
        },
      },
    },
    {
      path: "/config2",
      methods: {
        GET: {
          reply: () =>
            jsonReply(
              settings().map(({ key, value = UNSET, modified }) => ({ key, value, modified })),
            ),
        },
      },
    },
    { path: "/buildinfo", methods: { GET: { reply: () => textReply(view.buildInfo()) } } },
  ];
}
