import { describe, expect, it } from "vitest";
import { firstProblem } from "./first-problem.ts";
import { isOfHostedBus, ownedName } from "./hosted-bus.ts";
import { parseGraph } from "./graph.ts";

const entry = { type: "dbus", owns: "org.example.Clock" };

describe("a name on the hosted bus", () => {
  it("is its own role, and for nobody, unless the entry says so", () => {
    expect(ownedName.parse(entry)).toEqual({
      ...{ type: "dbus", bus: "system-bus", owns: "org.example.Clock" },
      ...{ role: "org.example.Clock", allow: [] },
    });
  });

  it.each<[object, string]>([
    [{ type: "unix" }, "type: must be dbus beside owns"],
    [{ bus: "session" }, "bus: must be system-bus"],
    [{ owns: "clock" }, "owns: is not a bus name"],
    [{ owns: ":1.7" }, "owns: is not a bus name"],
    [{ owns: 'a.b"/><allow own="*' }, "owns: is not a bus name"],
    [{ owns: "org.freedesktop.DBus" }, "owns: is a name of the bus itself"],
    [{ owns: "org.freedesktop.DBus.Monitoring" }, "owns: is a name of the bus itself"],
    [{ owns: `a.${"b".repeat(70)}` }, "role: is needed, for the name is too long for one"],
    [{ role: "any" }, "role: stands for no role"],
    [{ role: "a\nroot:x:0:0" }, "role: must match [A-Za-z0-9_.-]{1,64}"],
    [{ allow: ["a", "b c"] }, "allow.1: must match [A-Za-z0-9_.-]{1,64}"],
    [{ name: "clock" }, "name: has no place beside owns"],
    [{ rules: [] }, "rules: has no place beside owns"],
  ])("is refused by its key: %j", (wrong, said) => {
    const { error } = ownedName.safeParse({ ...entry, ...wrong });
    expect(error && firstProblem(error)).toBe(said);
  });
});

describe("an entry of the graph is of the hosted bus", () => {
  const socket = "/run/pv/dbus/system_bus_socket";
  const hosted = { consumer: "c", provider: "_pv_", name: "system-bus", type: "dbus", socket };
  const isHosted = (fields: object) =>
    parseGraph([{ ...hosted, uid: 90_000, ...fields }]).map(isOfHostedBus)[0];

  it.each<[boolean, string, object]>([
    [true, "when pantavisor gives it a uid", {}],
    [false, "never without a uid", { uid: undefined }],
    [false, "never with another provider", { provider: "c" }],
    [false, "never with another socket", { socket: "/run/pantavisor/pv/pv-ctrl" }],
    [false, "never with another type", { type: "unix" }],
  ])("%s %s", (expected, _, fields) => {
    expect(isHosted(fields)).toBe(expected);
  });
});
