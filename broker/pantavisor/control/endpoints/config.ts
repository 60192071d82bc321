import type { PantavisorView } from "../pantavisor-view.ts";
import { jsonReply, textReply } from "../reply.ts";
import type { Route } from "../route.ts";

/** GET /config, /config2 and /buildinfo (docs/pantavisor.md §3.3). */
export function configRoutes(view: PantavisorView): Route[] {
  const settings = () => (view.quirks.has("config-missing") ? [] : view.settings());
  return [
    {
      path: "/config",
      methods: {
        GET: {
          reply: () =>
            jsonReply(Object.fromEntries(settings().map(({ alias, typed }) => [alias, typed]))),
        },
      },
    },
    {
      path: "/config2",
      methods: {
        GET: {
          reply: () =>
            jsonReply(settings().map(({ key, value, modified }) => ({ key, value, modified }))),
        },
      },
    },
    { path: "/buildinfo", methods: { GET: { reply: () => textReply(view.buildInfo()) } } },
  ];
}
