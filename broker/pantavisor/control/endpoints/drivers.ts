import type { Caller } from "../caller.ts";
import type { PantavisorView } from "../pantavisor-view.ts";
import type { Reply } from "../reply.ts";
import { accepted, errorReply, jsonReply } from "../reply.ts";
import type { Route } from "../route.ts";

/** /drivers (docs/pantavisor.md §3.3): drivers of a container; the appengine itself has none. */
export function driverRoutes(view: PantavisorView): Route[] {
  const own = (caller: Caller): string | undefined =>
    caller.kind === "container" ? caller.name : undefined;
  const list = (caller: Caller): Reply => {
    const name = own(caller);
    const drivers = name === undefined ? [] : view.drivers.list(name);
    // An empty list is an empty object on the real one (docs/pantavisor.md §3.3).
    return jsonReply(drivers.length === 0 ? {} : drivers);
  };
  const set = (status: "LOADED" | "UNLOADED", caller: Caller, name?: string): Reply => {
    const container = own(caller);
    if (container === undefined) return accepted;
    const why = view.drivers.set(container, status, name);
    const what = status === "LOADED" ? "loading" : "unloading";
    return why === undefined ? accepted : errorReply(400, `Error ${what} driver(s): ${why}`);
  };
  const put = (path: string, status: "LOADED" | "UNLOADED"): Route => ({
    path,
    methods: {
      PUT: { reply: ({ caller, parameters }) => set(status, caller, parameters["driver"]) },
    },
  });
  return [
    { path: "/drivers", methods: { GET: { reply: ({ caller }) => list(caller) } } },
    put("/drivers/load", "LOADED"),
    put("/drivers/unload", "UNLOADED"),
    put("/drivers/{driver}/load", "LOADED"),
    put("/drivers/{driver}/unload", "UNLOADED"),
  ];
}
