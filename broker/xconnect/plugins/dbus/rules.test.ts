import { describe, expect, test } from "vitest";
import type { GraphEntry } from "../../../shared/formats/graph.ts";
import { DbusPolicy, HIDDEN, OWN, SEE, TALK } from "./policy.ts";
import { rulesOf } from "./rules.ts";
import type { DbusRule } from "./rules.ts";
import { LinkRefused } from "../plugin.ts";
import { Bench } from "../socket-bench.fixture.ts";
import { dbusPlugin } from "./dbus.ts";

function listsOf(entry: Partial<GraphEntry>, role = "admin") {
  using bench = new Bench({ plugin: dbusPlugin, role, entry });
  return rulesOf(bench.link);
}

const hosted = {
  provider: "_pv_",
  type: "dbus",
  socket: "/run/pv/dbus/system_bus_socket",
  uid: 90_000,
};

describe("the rules of a link", () => {
  const talk = (name: string) => ({ access: "talk", name });
  test.each<[string, Partial<GraphEntry>, unknown]>([
    ["none", {}, [[]]],
    ["a path as interface", { interface: "/run/x" }, [[]]],
    ["the type as interface", { interface: "dbus" }, [[]]],
    ["an interface alone", { interface: "a.b" }, [[talk("a.b")]]],
    ["the export's alone", { rules: [[{ access: "own" }]] }, [[{ access: "own" }]]],
    [
      "the export's and an interface",
      { rules: [[{ access: "own" }]], interface: "a.b" },
      [[{ access: "own" }], [talk("a.b")]],
    ],
    [
      "both sides'",
      { rules: [[{ access: "own" }], [talk("c.d")]], interface: "a.b" },
      [[{ access: "own" }], [talk("c.d")]],
    ],
    [
      "those of its role",
      {
        rules: [
          [
            { ...talk("a.b"), role: "admin" },
            { ...talk("c.d"), role: "user" },
          ],
        ],
      },
      [[{ ...talk("a.b"), role: "admin" }]],
    ],
    ["none, on the bus that pantavisor hosts", hosted, [[{ access: "own" }]]],
    ["a role without rights there", { ...hosted, rules: [[]] }, [[]]],
    ["only another role's", { rules: [[{ access: "talk", role: "user" }]] }, [[]]],
  ])("are, from %s", (_name, entry, lists) => {
    expect(listsOf(entry)).toEqual(lists);
  });

  test.each<[string, unknown, string]>([
    ["no list", "talk", "rules: "],
    ["a list of rules", [{ access: "talk" }], "rules.0: "],
    ["an unknown access", [[{ access: "take" }]], "rules.0.0.access: "],
    ["a misspelt key", [[{ access: "talk", interfaces: "a.b" }]], "rules.0.0: "],
    ["a name that is none", [[{ access: "talk", name: "a..b" }]], "rules.0.0.name: "],
    ["a unique name", [[{ access: "talk", name: ":1.2" }]], "rules.0.0.name: "],
    [
      "a name that would end a match rule",
      [[{ access: "talk", name: "a.b'" }]],
      "rules.0.0.name: ",
    ],
    ["a member with dots", [[{ access: "talk", member: "a.b" }]], "rules.0.0.member: "],
    ["a path without slash", [[{ access: "talk", path: "a" }]], "rules.0.0.path: "],
  ])("are refused by name: %s", (_name, rules, where) => {
    expect(() => listsOf({ rules })).toThrow(LinkRefused);
    expect(() => listsOf({ rules })).toThrow(where);
  });
});

describe("the policy", () => {
  const subject = { path: "/a/b", interface: "i.j", member: "M" };

  test.each<[DbusRule, string, number]>([
    [{ access: "see", name: "a.b" }, "a.b", SEE],
    [{ access: "call", name: "a.b" }, "a.b", TALK],
    [{ access: "broadcast", name: "a.b" }, "a.b", TALK],
    [{ access: "talk", name: "a.b" }, "a.b", TALK],
    [{ access: "own", name: "a.b" }, "a.b", OWN],
    [{ access: "talk", name: "a.b" }, "a.b.c", HIDDEN],
    [{ access: "talk", name: "a.b.*" }, "a.b", TALK],
    [{ access: "talk", name: "a.b.*" }, "a.b.c.d", TALK],
    [{ access: "talk", name: "a.b.*" }, "a.bc", HIDDEN],
    [{ access: "talk", name: "a.*" }, "a.b", TALK],
    [{ access: "talk", name: "*" }, "a.b", TALK],
    [{ access: "talk" }, ":1.7", TALK],
    [{ access: "talk", name: "a.*" }, ":1.7", HIDDEN],
  ])("of %j for %s is %i", (rule, name, level) => {
    expect(new DbusPolicy([[rule]]).levelOf(name)).toBe(level);
  });

  test.each<[Partial<DbusRule>, boolean]>([
    [{}, true],
    [{ interface: "i.j" }, true],
    [{ interface: "i.*" }, true],
    [{ interface: "i" }, false],
    [{ interface: "i.j.k" }, false],
    [{ member: "M" }, true],
    [{ member: "N" }, false],
    [{ path: "/a/b" }, true],
    [{ path: "/a/*" }, true],
    [{ path: "/*" }, true],
    [{ path: "/a" }, false],
    [{ path: "/a/bc/*" }, false],
    [{ interface: "i.j", member: "M", path: "/a/b" }, true],
    [{ interface: "i.j", member: "N", path: "/a/b" }, false],
  ])("with %j lets a call through: %s", (restriction, allowed) => {
    for (const access of ["call", "talk", "own"] as const) {
      const policy = new DbusPolicy([[{ access, name: "a.b", ...restriction }]]);
      expect(policy.maySend("a.b", subject)).toBe(allowed);
    }
    for (const access of ["see", "broadcast"] as const) {
      const policy = new DbusPolicy([[{ access, name: "a.b", ...restriction }]]);
      expect(policy.maySend("a.b", subject)).toBe(false);
    }
  });

  test("lets no call without interface through a rule that names one", () => {
    const policy = new DbusPolicy([[{ access: "call", name: "a.b", interface: "i.j" }]]);
    expect(policy.maySend("a.b", { ...subject, interface: "" })).toBe(false);
  });

  test("allows what all lists allow for the same name", () => {
    const policy = new DbusPolicy([
      [{ access: "own", name: "a.*" }],
      [
        { access: "call", name: "a.b", member: "M" },
        { access: "see", name: "c.d" },
      ],
    ]);
    expect([policy.levelOf("a.b"), policy.levelOf("a.c"), policy.levelOf("c.d")]).toEqual([
      TALK,
      HIDDEN,
      HIDDEN,
    ]);
    expect(policy.maySend("a.b", subject)).toBe(true);
    expect(policy.maySend("a.b", { ...subject, member: "N" })).toBe(false);
    expect(policy.mayHear("a.b", subject)).toBe(false);
    expect(policy.isService).toBe(false);
  });

  test("allows monitoring only where all lists name it", () => {
    const monitoring: DbusRule = { access: "call", interface: "org.freedesktop.DBus.Monitoring" };
    const everything: DbusRule = { access: "own", name: "*" };
    expect(new DbusPolicy([[everything]]).mayMonitor).toBe(false);
    expect(new DbusPolicy([[everything], [monitoring]]).mayMonitor).toBe(false);
    expect(new DbusPolicy([[everything, monitoring], [monitoring]]).mayMonitor).toBe(true);
    expect(new DbusPolicy([[{ ...monitoring, name: "a.b" }]]).mayMonitor).toBe(false);
  });

  test("follows the names of the shortest list that is enough", () => {
    const policy = new DbusPolicy([
      [{ access: "talk" }],
      [
        { access: "talk", name: "a.b" },
        { access: "see", name: "c.*" },
      ],
    ]);
    expect(policy.tracked).toEqual([
      { name: "a.b", withChildren: false },
      { name: "c", withChildren: true },
    ]);
    expect(new DbusPolicy([[{ access: "talk" }]]).tracked).toEqual([]);
    expect(new DbusPolicy([[]]).tracked).toEqual([]);
  });
});
