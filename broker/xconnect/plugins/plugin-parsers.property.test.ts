import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { damaged } from "../../shared/formats/documents.fixture.ts";
import type { GraphEntry } from "../../shared/formats/graph.ts";
import { PROPERTY_RUNS } from "../../shared/formats/property-runs.fixture.ts";
import { none } from "../../shared/quirks/quirks.ts";
import { groupsOf, parsePasswd } from "./accounts.ts";
import { allowedFds } from "./allowed-fds.ts";
import { DbusPolicy } from "./dbus/policy.ts";
import type { DbusRule } from "./dbus/rules.ts";
import { rulesOf } from "./dbus/rules.ts";
import { inputOptions } from "./input/options.ts";
import { LinkRefused } from "./plugin.ts";
import type { Link } from "./plugin.ts";
import { restPolicy } from "./rest/rules.ts";
import { unixOptions } from "./unix/options.ts";
import { greetingText, roleSocketPath } from "./unix/identity.ts";

const entry: GraphEntry = {
  ...{ consumer: "c", consumer_pid: 1, provider: "p", provider_pid: 2, name: "s", type: "t" },
  ...{ role: "viewer", interface: null, target: "/t", socket: "/s" },
};
const linkWith = (more: object): Link => ({
  ...{ consumer: "c", provider: "p", name: "s", type: "t", role: "viewer", target: "/t" },
  ...{ socket: "/s", entry: { ...entry, ...more }, consumerPid: 1, providerPid: 2 },
});

/** The result of `work`; undefined when it refuses the link and names the wrong key. */
function unlessRefused<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof LinkRefused)) throw error;
    expect(error.message).toMatch(
      /^(rules|upgrade|fds|identity|socketType|events|form|grab)[^:]*: ./s,
    );
    return undefined;
  }
}

describe("manifest extensions of any shape make a policy or refuse their link by key", () => {
  const restRule = fc.record(
    {
      methods: fc.constantFrom(["GET"], ["PUT", "GET"]),
      path: fc.constantFrom("/", "/a", "/a/b/"),
      role: fc.constantFrom("viewer", "admin"),
    },
    { requiredKeys: [] },
  );
  const rest = fc.record({
    rules: fc.array(fc.array(restRule, { maxLength: 2 }), { maxLength: 2 }),
    upgrade: fc.subarray(["websocket", "x/1"]),
  });

  it("of rest", () => {
    fc.assert(
      fc.property(damaged(rest), (value) => {
        const extensions = typeof value === "object" && value !== null ? value : {};
        const policy = unlessRefused(() => restPolicy("viewer", extensions));
        for (const token of policy?.upgrade ?? []) expect(token).toMatch(/^[^A-Z\s]+$/);
        if (policy === undefined) return;
        const given = (extensions as { rules?: { path?: string; role?: string }[][] }).rules ?? [];
        const own = given.flat().filter(({ role }) => role === undefined || role === "viewer");
        expect(policy.ruleLists.flat().map(({ path }) => path)).toEqual(
          own.map(({ path = "" }) => path.split("/").filter((segment) => segment !== "")),
        );
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  const dbusRule = fc.record(
    {
      access: fc.constantFrom("see", "talk", "own", "call", "broadcast"),
      name: fc.constantFrom("a.b", "a.*", "*"),
      interface: fc.constantFrom("i.j", "i.*"),
      member: fc.constantFrom("Go", "*"),
      path: fc.constantFrom("/p", "/p/*", "/*"),
      role: fc.constantFrom("viewer", "admin"),
    },
    { requiredKeys: ["access"] },
  );

  it("of dbus, and rules for other roles count for nothing", () => {
    const lists = fc.array(fc.array(dbusRule, { maxLength: 2 }), { maxLength: 2 });
    fc.assert(
      fc.property(damaged(lists), (rules) => {
        const made = unlessRefused(() => rulesOf(linkWith({ rules })));
        if (made === undefined) return;
        expect(made.length).toBeGreaterThan(0);
        new DbusPolicy(made).levelOf("a.b");
        for (const { role } of made.flat() as { role?: string }[]) {
          expect([undefined, "viewer"]).toContain(role);
        }
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("of input, and a rule for another role lets nothing pass", () => {
    const rule = fc.record(
      {
        type: fc.constantFrom("EV_KEY", "EV_REL"),
        codes: fc.constantFrom([1], [[0, 3]], [2, [3, 3]]),
        role: fc.constantFrom("viewer", "admin"),
      },
      { requiredKeys: ["type"] },
    );
    const options = fc.record(
      {
        events: fc.array(fc.array(rule, { maxLength: 2 }), { maxLength: 2 }),
        form: fc.constantFrom("stream", "node"),
        grab: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(damaged(options), (value) => {
        const more = typeof value === "object" && value !== null ? value : {};
        const made = unlessRefused(() => inputOptions(linkWith(more), none));
        if (made?.filter.passes(1, 1) !== true) return;
        const { events = [] } = more as { events?: { type: string; role?: string }[][] };
        for (const list of events) {
          const own = list.filter(({ role = "viewer" }) => role === "viewer");
          expect(own.map(({ type }) => type)).toContain("EV_KEY");
        }
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("of unix, and no fd type that nobody knows is allowed", () => {
    const options = fc.record(
      {
        identity: fc.constantFrom("none", "greeting", "cmsg", "role-socket"),
        socketType: fc.constantFrom("stream", "seqpacket"),
        fds: fc.subarray(["memfd", "pipe"]),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(damaged(options), (value) => {
        const more = typeof value === "object" && value !== null ? value : {};
        const made = unlessRefused(() => unixOptions({ ...entry, ...more }));
        const fds = unlessRefused(() => allowedFds(linkWith(more)));
        if (made !== undefined) expect(fds).toEqual(made.fds);
        for (const type of fds ?? []) expect(["memfd", "pipe"]).toContain(type);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

describe("the dbus policy", () => {
  const name = fc.constantFrom("a.b", "a.b.c", "a", "x.y", "a.bc");
  const rule: fc.Arbitrary<DbusRule> = fc.record(
    {
      access: fc.constantFrom("see", "talk", "own", "call", "broadcast"),
      name: fc.constantFrom("a.b", "a.*", "a.b.*", "*", "x.y"),
      interface: fc.constantFrom("i.j", "i.*", "*"),
      member: fc.constantFrom("Go", "*"),
      path: fc.constantFrom("/p", "/p/*", "/*"),
    },
    { requiredKeys: ["access"] },
  );
  const subject = fc.record({
    path: fc.constantFrom("/", "/p", "/p/q", "/pq", ""),
    interface: fc.constantFrom("i.j", "i.j.k", "ij.k", ""),
    member: fc.constantFrom("Go", "Stop"),
  });

  /** The rule of docs/plugins/dbus.md: `x.*` means x and the names below it. */
  function fits(pattern: string | undefined, value: string, separator: string): boolean {
    if (pattern === undefined || pattern === "*") return true;
    if (!pattern.endsWith(`${separator}*`)) return pattern === value;
    const base = pattern.slice(0, -2);
    return value === base || value.startsWith(base + separator);
  }

  it("allows what a rule of each list allows, as a naive reading does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(rule, { maxLength: 3 }), { minLength: 1, maxLength: 2 }),
        name,
        subject,
        (lists, of, what) => {
          const policy = new DbusPolicy(lists);
          const by = (accesses: readonly string[]) =>
            lists.every((list) =>
              list.some(
                (one) =>
                  accesses.includes(one.access) &&
                  fits(one.name, of, ".") &&
                  fits(one.interface, what.interface, ".") &&
                  fits(one.path, what.path, "/") &&
                  fits(one.member, what.member, "."),
              ),
            );
          expect(policy.maySend(of, what)).toBe(by(["call", "talk", "own"]));
          expect(policy.mayHear(of, what)).toBe(by(["broadcast", "talk", "own"]));
          const level = Math.min(
            ...lists.map((list) =>
              Math.max(
                0,
                ...list
                  .filter((one) => fits(one.name, of, "."))
                  .map(({ access }) => (access === "own" ? 3 : access === "see" ? 1 : 2)),
              ),
            ),
          );
          expect(policy.levelOf(of)).toBe(level);
          // Names that give rights are followed, unless a rule for any name gives them to everyone.
          const byName = lists.every((list) => list.every((one) => (one.name ?? "*") !== "*"));
          if (level > 0 && byName) expect(policy.isTracked(of)).toBe(true);
        },
      ),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

describe("passwd and group", () => {
  const good = fc.stringMatching(/^[a-z_][a-z0-9_-]{0,8}$/);
  const account = fc.record({
    name: good,
    uid: fc.nat(0xffff_fffe),
    gid: fc.nat(0xffff_fffe),
    groups: fc.uniqueArray(fc.nat(99), { maxLength: 3 }),
  });

  it("are read as useradd writes them, whatever lines are between", () => {
    const noise = fc.constantFrom(
      "",
      "#",
      "a:x:1",
      ":::::::",
      "x:x:-1:0:::",
      "y:x:1:4294967295:::",
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(account, noise), { maxLength: 4 }), (list) => {
        const passwd = list.map(([{ name, uid, gid }, between]) =>
          [`${name}:x:${uid}:${gid}:,,,:/home/${name}:/bin/sh`, between].join("\n"),
        );
        expect(parsePasswd(passwd.join("\n"))).toEqual(
          list.map(([{ name, uid, gid }]) => ({ name, uid, gid })),
        );
        const group = list.flatMap(([{ name, groups }, between]) => [
          between,
          ...groups.map((gid) => `g${gid}:x:${gid}:${name},other`),
        ]);
        for (const [{ name }] of list) {
          const wanted = list.flatMap(([one]) => (one.name === name ? one.groups : []));
          expect(groupsOf(group.join("\n"), name)).toEqual([...new Set(wanted)]);
        }
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

it("the greeting to a unix provider is one line with the graph's own names", () => {
  const safe = fc.stringMatching(/^[A-Za-z0-9_.-]{1,20}$/);
  const socket = fc.constantFrom("/run/x.sock", "/run/x", "/run.d/x", "/run/.x", "/a.b/c.d.e");
  fc.assert(
    fc.property(safe, safe, socket, (consumer, role, path) => {
      const link = { ...linkWith({}), consumer, role, socket: path };
      const greeting = greetingText(link);
      expect(greeting).not.toContain("\n");
      expect(JSON.parse(greeting)).toEqual({ client: consumer, role });
      const own = roleSocketPath(link);
      expect(own.split("/").slice(0, -1)).toEqual(path.split("/").slice(0, -1));
      const at = own.lastIndexOf(`.${role}`);
      if (role !== "any") expect(own.slice(0, at) + own.slice(at + role.length + 1)).toBe(path);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
