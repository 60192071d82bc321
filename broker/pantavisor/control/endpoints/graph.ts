import type { PantavisorView } from "../pantavisor-view.ts";
import { jsonReply } from "../reply.ts";
import type { Route } from "../route.ts";

/** GET /xconnect-graph (docs/pantavisor.md §6.1): computed on each request. */
export function graphRoutes(view: PantavisorView): Route[] {
  return [{ path: "/xconnect-graph", methods: { GET: { reply: () => jsonReply(view.graph()) } } }];
}
