import fc from "fast-check";
import { expect, test } from "vitest";
import { assignGroups, parseGroups } from "../../broker/shared/formats/groups.ts";
import { PROPERTY_RUNS } from "../../broker/shared/formats/property-runs.fixture.ts";
import { requirementCycle } from "../../broker/pantavisor/service-graph.ts";
import { STATE_SPEC, parseState } from "../../broker/shared/formats/state.ts";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT } from "../image/sources.ts";
import type { JsonObject, JsonValue } from "./json-value.ts";
import { lintExport } from "./lint-export.ts";
import { isRefusal } from "./lint-state.ts";

const DEFAULTS = parseGroups(
  JSON.parse(
    readFileSync(
      join(PROJECT, "containers/appengine/overlay/etc/pantavisor/defaults/groups.json"),
      "utf8",
    ),
  ),
);
const SHA = "a".repeat(64);

/** The reference's refusal of a state, or undefined when it would run it. */
function refusalOf(state: JsonObject): string | undefined {
  try {
    const { containers, groups } = parseState(state);
    const cycle = requirementCycle(containers);
    if (cycle !== undefined) return `${cycle[0] ?? ""}/run.json: services.required`;
    const members = containers.map(({ name, run }) => ({ name, group: run.group }));
    assignGroups(members, groups ?? DEFAULTS, groups === undefined ? "default" : "device");
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const odd: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.constantFrom<JsonValue[]>(
    null,
    7,
    true,
    "",
    "x",
    "a/b",
    "../x",
    [],
    {},
    [7],
    { name: 7 },
    SHA,
  ),
  fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as JsonValue),
);
const name = fc.constantFrom("a", "b", "c", "bsp", "_sigs", "_config", "a b", "x".repeat(65));
const service = fc.constantFrom("s", "t", "u", "s/t", "ö");
const requirement = fc.oneof(
  { weight: 4, arbitrary: record({ name: service, target: fc.constant("/run/x") }) },
  { weight: 1, arbitrary: service },
  { weight: 1, arbitrary: odd },
);
const requirements = fc.oneof(
  { weight: 6, arbitrary: fc.array(requirement, { maxLength: 2 }) },
  { weight: 1, arbitrary: odd },
);
const run = (own: string): fc.Arbitrary<JsonValue> =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: record(
        {
          "#spec": fc.constant("service-manifest-run@1"),
          name: sometimes(fc.constant(own)),
          type: fc.constantFrom("lxc", "runc", "vm"),
          group: fc.constantFrom("app", "root", "mine", "none", ""),
          restart_policy: sometimes(fc.constantFrom("system", "container")),
          status_goal: sometimes(fc.constantFrom("MOUNTED", "READY")),
          roles: sometimes(fc.constant(["mgmt"])),
          volumes: sometimes(fc.constant(["v.squashfs"])),
          auto_recovery: sometimes(fc.constant({ policy: "always", backoff_policy: "5min" })),
          drivers: sometimes(fc.constant({ required: ["d"] })),
          services: fc.oneof(
            { weight: 5, arbitrary: record({ required: requirements, optional: requirements }) },
            { weight: 1, arbitrary: odd },
          ),
        },
        ["name"],
      ),
    },
    { weight: 1, arbitrary: odd },
  );
const exported = sometimes(
  record({ name: service, type: fc.constantFrom("unix", "rest", "x"), socket: fc.constant("/s") }),
);
const services = fc.oneof(
  { weight: 5, arbitrary: fc.array(exported, { maxLength: 3 }) },
  { weight: 2, arbitrary: record({ services: fc.array(exported, { maxLength: 2 }) }) },
  { weight: 1, arbitrary: odd },
);
const groups = sometimes(
  fc.array(record({ name: fc.constantFrom("app", "mine", "a/b") }), { maxLength: 2 }),
);
const entry: fc.Arbitrary<readonly [string, JsonValue]> = fc.oneof(
  { weight: 5, arbitrary: name.chain((own) => fc.tuple(fc.constant(`${own}/run.json`), run(own))) },
  {
    weight: 3,
    arbitrary: fc.tuple(
      name.map((own) => `${own}/services.json`),
      services,
    ),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant("groups.json"), groups) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("device.json"), fc.oneof(odd, record({ groups }))) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("bsp/drivers.json"), odd) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom("a/file", "a/src.json", "x//y", ".pv/x", "a"), odd),
  },
  { weight: 1, arbitrary: fc.tuple(fc.string({ maxLength: 5 }), odd) },
);
const state = fc
  .tuple(
    fc.oneof({ weight: 20, arbitrary: fc.constant(STATE_SPEC) }, { weight: 1, arbitrary: odd }),
    fc.array(entry, { maxLength: 6 }),
  )
  .map(([spec, entries]): JsonObject => ({ "#spec": spec, ...Object.fromEntries(entries) }));

test("the linter finds a refusal in a state if and only if the reference refuses it, by the same key", () => {
  let refused = 0;
  fc.assert(
    fc.property(state, (fragment) => {
      const refusal = refusalOf(fragment);
      const findings = lintExport({ fragment, objects: new Map(), ignored: [] }).filter(isRefusal);
      if (refusal === undefined) {
        expect(findings).toEqual([]);
        return;
      }
      refused += 1;
      const keys = findings.map(({ path }) => path.split("#/")[0] ?? "");
      expect(
        keys.filter((key) => refusal.startsWith(key)),
        `${refusal} | ${keys.join(" ")}`,
      ).not.toEqual([]);
    }),
    { numRuns: PROPERTY_RUNS },
  );
  // The generator produced enough refused states and enough accepted ones.
  expect(refused).toBeGreaterThan(PROPERTY_RUNS / 10);
  expect(refused).toBeLessThan((PROPERTY_RUNS * 95) / 100);
});

function record(
  shape: Record<string, fc.Arbitrary<JsonValue>>,
  requiredKeys: string[] = [],
): fc.Arbitrary<JsonObject> {
  return fc.record(shape, { requiredKeys, noNullPrototype: true });
}

/** Gives the right value most of the time, and an odd one otherwise. */
function sometimes(right: fc.Arbitrary<JsonValue>): fc.Arbitrary<JsonValue> {
  return fc.oneof({ weight: 12, arbitrary: right }, { weight: 1, arbitrary: odd });
}
