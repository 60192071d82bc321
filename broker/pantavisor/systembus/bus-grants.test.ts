import { describe, expect, it } from "vitest";
import type { ContainerDefinition } from "../../shared/formats/state.ts";
import { STATE_SPEC, parseState } from "../../shared/formats/state.ts";
import { none } from "../../shared/quirks/quirks.ts";
import { busConflict, grantsOf } from "./bus-grants.ts";

interface Part {
  readonly roles?: readonly (string | undefined)[];
  readonly exports?: readonly object[];
}

function containers(parts: Readonly<Record<string, Part>>): readonly ContainerDefinition[] {
  const entries = Object.entries(parts).flatMap(([name, { roles = [], exports = [] }]) => {
    const required = roles.map((role, at) => ({ name: "system-bus", role, target: `/run/${at}` }));
    return [
      [`${name}/run.json`, { name, services: { required } }],
      [`${name}/services.json`, { services: exports }],
    ];
  });
  return parseState({ "#spec": STATE_SPEC, ...Object.fromEntries(entries) }).containers;
}

const owning = (owns: string, more: object = {}) => ({ type: "dbus", owns, ...more });

describe("grants", () => {
  it("let the owner's role own and call its name, and the listed roles call it", () => {
    const grants = grantsOf(
      containers({
        a: { exports: [owning("org.x.A", { role: "a", allow: ["b", "c"] })], roles: ["a"] },
        b: { exports: [owning("org.x.B", { allow: ["c"] })], roles: ["b", "stranger"] },
      }),
      none,
    );
    const shown = [...grants].map(([role, { own, talk }]) => [role, [...own], [...talk]]);
    expect(shown).toEqual([
      ["a", ["org.x.A"], ["org.x.A"]],
      ["b", [], ["org.x.A"]],
      ["c", [], ["org.x.A", "org.x.B"]],
      ["org.x.B", ["org.x.B"], ["org.x.B"]],
      ["stranger", [], []],
    ]);
  });

  it("are for no role that a link cannot have", () => {
    const roles = [undefined, "any", "", "a/b", "a b", 'x"/><allow own="*', "é", "a".repeat(65)];
    expect([
      ...grantsOf(containers({ c: { roles: [...roles, "__proto__"] } }), none).keys(),
    ]).toEqual(["__proto__"]);
  });
});

describe("a conflict", () => {
  it.each<[string, Readonly<Record<string, Part>>, string]>([
    [
      "a container that exports the bus",
      { c: { exports: [{ name: "system-bus", type: "unix", socket: "/s" }] } },
      "c/services.json: name: 'system-bus' is the bus that pantavisor hosts",
    ],
    [
      "two owners of a name",
      { c: { exports: [owning("a.b")] }, d: { exports: [owning("a.b", { role: "r" })] } },
      "d/services.json: owns: 'a.b' is owned by 'c'",
    ],
    [
      "a container with pantavisor's name",
      { _pv_: {} },
      "_pv_/run.json: name: '_pv_' is pantavisor, which hosts the system bus",
    ],
    [
      "a role for more names than its links may have",
      {
        c: {
          exports: Array.from({ length: 257 }, (_, at) => owning(`a.n${at}`, { allow: ["r"] })),
        },
      },
      "state: role 'r' is for more than 256 names",
    ],
    [
      "more roles than the bus can look up",
      { c: { roles: Array.from({ length: 1025 }, (_, at) => `r${at}`) } },
      "state: 1025 roles on the hosted bus are more than 1024",
    ],
  ])("is %s", (_, parts, said) => {
    expect(busConflict(containers(parts), none)).toBe(said);
  });

  it("is none of services with other names", () => {
    const exports = [owning("a.b"), { name: "bus", type: "dbus", socket: "/s" }];
    expect(busConflict(containers({ c: { exports } }), none)).toBeUndefined();
  });
});
