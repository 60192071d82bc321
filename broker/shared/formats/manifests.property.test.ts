import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { PROPERTY_RUNS } from "./property-runs.fixture.ts";
import {
  containerName,
  damaged,
  groupsDocument,
  runDocument,
  servicesDocument,
} from "./documents.fixture.ts";
import { brokerStatus } from "./broker-status.ts";
import {
  configBody,
  containersBody,
  daemonsBody,
  driversBody,
  groupsBody,
  metaBody,
  stepsBody,
} from "./control.ts";
import { DRIVERS_SPEC, parseDriverAliases } from "./drivers.ts";
import { assignGroups, parseGroups } from "./groups.ts";
import { SAFE_NAME } from "./names.ts";
import { parseRunManifest } from "./run-manifest.ts";
import { ownsName, parseServices } from "./services.ts";

/** Check that a parsed value parses to itself again, and that a refusal is a ZodError. */
function isReadOnce<T>(parse: (value: unknown) => T, value: unknown): T | undefined {
  let parsed: T;
  try {
    parsed = parse(value);
  } catch (error) {
    if (error instanceof z.ZodError) return undefined;
    throw error;
  }
  expect(parse(parsed)).toEqual(parsed);
  return parsed;
}

const run = fc.record({ name: containerName, more: runDocument }).map(({ name, more }) => ({
  name,
  ...more,
}));
const drivers = fc.record({
  "#spec": fc.constant(DRIVERS_SPEC),
  all: fc.dictionary(fc.constantFrom("wifi", "bt"), fc.array(fc.constantFrom("mod", "mod a=1"))),
});

/** A document; a list sometimes twice over. */
function doubled(document: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(document, fc.boolean())
    .map(([value, twice]) =>
      twice && Array.isArray(value) ? [...(value as unknown[]), ...(value as unknown[])] : value,
    );
}

describe("a manifest", () => {
  it("run.json of any shape is read once and for all, or refused by zod", () => {
    fc.assert(
      fc.property(damaged(run), (value) => {
        const { volumes = [], services } = isReadOnce(parseRunManifest, value) ?? {};
        for (const volume of volumes) expect(volume).not.toMatch(/\/|^\.|^$/);
        for (const { name } of [...(services?.required ?? []), ...(services?.optional ?? [])]) {
          expect(name).not.toMatch(/[/\p{Cc}]|^$/u);
        }
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("services.json, too, and what it exports has one name and type each", () => {
    fc.assert(
      fc.property(doubled(damaged(servicesDocument)), (value) => {
        const services = isReadOnce(parseServices, value) ?? [];
        const exports = services.filter((one) => !ownsName(one));
        expect(new Set(exports.map(({ name, type }) => `${name}\n${type}`)).size).toBe(
          exports.length,
        );
        for (const { socket } of exports) expect(socket.startsWith("/")).toBe(true);
        for (const { owns, role, allow } of services.filter(ownsName)) {
          expect(owns).toMatch(/^[\w.-]+$/);
          for (const one of [role, ...allow]) expect(one).toMatch(SAFE_NAME);
        }
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("groups.json, too, and groups have one name each", () => {
    fc.assert(
      fc.property(doubled(damaged(groupsDocument)), (value) => {
        const groups = isReadOnce(parseGroups, value) ?? [];
        expect(new Set(groups.map(({ name }) => name)).size).toBe(groups.length);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("drivers.json, too, and aliases are names", () => {
    fc.assert(
      fc.property(damaged(drivers), (value) => {
        try {
          for (const alias of parseDriverAliases(value).keys()) expect(alias).toMatch(SAFE_NAME);
        } catch (error) {
          if (!(error instanceof z.ZodError)) throw error;
        }
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

describe("a body of pv-ctrl, or of the broker's status", () => {
  const recovery = { policy: "no", max_retries: 1, current_retries: 0, stable_timeout: 0 };
  const container = {
    ...{ name: "a", group: null, status: "READY", status_goal: "READY", roles: ["mgmt"] },
    restart_policy: "container",
    auto_recovery: { ...recovery, is_stable: "true", backoff_policy: "never" },
  };
  const link = {
    ...{ consumer: "a", provider: "b", name: "s", type: "unix", role: "any", target: "/t" },
    ...{ socket: "/s", state: "established", open: 1, counters: { sessions: 1 }, lastError: null },
  };
  const status = { pid: 1, ctrl: "/c", reconciles: 2, files: { open: 1, limit: 9 }, plugins: {} };
  const progress = { status: "DONE", "status-msg": "", progress: 100, retries: 0 };
  const good = fc.constantFrom<[z.ZodType, unknown]>(
    [containersBody, [container]],
    [groupsBody, [{ name: "g", status_goal: "READY", restart_policy: "system", status: "READY" }]],
    [daemonsBody, [{ name: "pv-xconnect", pid: -1, respawn: true }]],
    [driversBody, [{ name: "wifi", type: "REQUIRED", status: "LOADED" }]],
    [stepsBody, [{ name: "0", date: "", commitmsg: "", progress }]],
    [metaBody, { a: "1", b: { c: 2 }, d: [3] }],
    [configBody, { a: "1", b: 2, c: true, d: null }],
    [brokerStatus, { ...status, links: [link] }],
  );

  it("is read once and for all, or refused by zod", () => {
    const both = good.chain(([schema, value]) =>
      fc.tuple(fc.constant(schema), damaged(fc.constant(value)), fc.constant(value)),
    );
    fc.assert(
      fc.property(both, ([schema, value, sound]) => {
        isReadOnce((one) => schema.parse(one), value);
        expect(schema.safeParse(sound).success).toBe(true);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

describe("groups", () => {
  it("get every container once, in the group that it asked for, whatever the order", () => {
    const member = fc.record({
      name: fc.constantFrom("a", "b", "c", "d", "e"),
      group: fc.constantFrom(undefined, "root", "app", "nowhere"),
    });
    const members = fc.uniqueArray(member, { selector: ({ name }) => name });
    const source = fc.constantFrom("default" as const, "device" as const);
    fc.assert(
      fc.property(members, groupsDocument, source, (list, groups, from) => {
        const available = parseGroups(groups);
        const exists = (name: string) => available.some((group) => group.name === name);
        const assign = (order: typeof list) =>
          Object.fromEntries(assignGroups(order, available, from));
        if (list.some(({ group }) => group !== undefined && !exists(group))) {
          expect(() => assign(list)).toThrow("unknown group");
          return;
        }
        const assigned = assign(list);
        for (const { name, group } of list) {
          expect(exists(assigned[name]?.group ?? "")).toBe(true);
          if (group !== undefined) expect(assigned[name]).toEqual({ group });
        }
        expect(assign(list.toReversed())).toEqual(assigned);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});
