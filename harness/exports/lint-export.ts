import { SAFE_NAME } from "../../broker/shared/formats/names.ts";
import { STATE_SPEC, containerNameOf } from "../../broker/shared/formats/state.ts";
import { FindingList } from "./finding-list.ts";
import type { Finding, Report } from "./finding.ts";
import { lintOddities } from "./lint-oddities.ts";
import { lintRun } from "./lint-run.ts";
import { exportedTypes, lintServices } from "./lint-services.ts";
import { groupsIn, isRefusal, lintState, readState } from "./lint-state.ts";
import type { JsonObject } from "./json-value.ts";
import type { ReadExport } from "./read-export.ts";

export type Linted = Omit<ReadExport, "isBare" | "oddities"> &
  Partial<Pick<ReadExport, "oddities">>;

/**
 * Findings on everything in an export that is wrong or will surprise, in the order of the state's
 * keys. Unknown keys are ignored; wrong types are errors.
 */
export function lintExport(content: Linted): Finding[] {
  const steps = lintInSteps(content);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same in steps of a few milliseconds, so that the caller can handle other events. */
export function* lintInSteps(content: Linted): Generator<void, Finding[]> {
  const { fragment, objects, ignored, oddities = new Map() } = content;
  const findings = new FindingList();
  const { report } = findings;
  const keys = Object.keys(fragment);
  const positions = new Map(keys.map((key, index) => [key, index]));
  const names = keys.flatMap((key) => containerNameOf(key) ?? []);
  const verdict = readState(fragment);
  const state = "state" in verdict ? verdict.state : undefined;
  const problem = "problem" in verdict ? verdict.problem : undefined;
  lintOddities(oddities, report);
  lintSpec(fragment, report);
  yield;
  // A state that is refused as a whole is too large to look at each part.
  if (problem?.key !== "state") {
    lintState(fragment, state, report);
    const types = exportedTypes(fragment);
    const groups = groupsIn(state);
    for (const name of names) {
      lintContainer(name, positions, report);
      lintServices(`${name}/services.json`, fragment[`${name}/services.json`], report);
      lintRun(name, fragment, types, groups.get(name), report);
      yield;
    }
  }
  const isNamed = ({ path }: Finding) => path.split("#/")[0] === problem?.key;
  if (problem !== undefined && !findings.all().some((one) => isRefusal(one) && isNamed(one))) {
    report({
      level: "error",
      code: "state-refused",
      path: problem.key,
      message: problem.message,
      fix: "change what the message names",
    });
  }
  lintStray(keys, new Set(names), report);
  yield;
  lintObjects(fragment, objects, report);
  for (const member of ignored) {
    report({
      level: "warning",
      code: "member-ignored",
      path: member,
      message: "Pantavisor ignores this member",
      fix: "leave it out; an export holds json and objects/<sha256>",
    });
  }
  return findings.all();
}

function lintSpec(fragment: JsonObject, report: Report): void {
  const first = Object.keys(fragment)[0];
  if (fragment["#spec"] !== STATE_SPEC) {
    report({
      level: "error",
      code: "spec-unknown",
      path: "#spec",
      message: `#spec is ${JSON.stringify(fragment["#spec"])}`,
      fix: `write "${STATE_SPEC}"`,
    });
  }
  if (first !== "#spec") {
    report({
      level: "error",
      code: "spec-not-first",
      path: "#spec",
      message: "pvtx takes the first key for #spec and loses it",
      fix: "write #spec before all other keys",
    });
  }
}

/** @param positions of the keys in the text */
function lintContainer(name: string, positions: ReadonlyMap<string, number>, report: Report): void {
  const services = `${name}/services.json`;
  if (!SAFE_NAME.test(name)) {
    report({
      level: "error",
      code: "name-unsafe",
      path: `${name}/run.json`,
      message: "the broker refuses links of a container with this name",
      fix: "use 1 to 64 of A-Z a-z 0-9 _ . -",
    });
  }
  const run = positions.get(`${name}/run.json`) ?? 0;
  if ((positions.get(services) ?? run) < run) {
    report({
      level: "error",
      code: "services-before-run",
      path: services,
      message:
        "services.json stands before run.json: Pantavisor ignores its exports without a message",
      fix: "write the keys in byte order, or run.json first",
    });
  }
}

function lintStray(keys: readonly string[], names: ReadonlySet<string>, report: Report): void {
  for (const key of keys) {
    const isContainer = containerNameOf(key) !== undefined;
    if (key.endsWith("/run.json") && key !== "bsp/run.json" && !isContainer) {
      report({
        level: "error",
        code: "run-json-too-deep",
        path: key,
        message: "Pantavisor takes every key that ends in /run.json for a container",
        fix: "rename the file",
      });
    }
    const owner = /^([^/]+)\/services\.json$/.exec(key)?.[1];
    if (owner === undefined || names.has(owner)) continue;
    // Skip folders that cannot be containers: _sigs/services.json is a signature of `services`.
    if (containerNameOf(`${owner}/run.json`) === undefined) continue;
    report({
      level: "error",
      code: "services-without-run",
      path: key,
      message: `no run.json defines ${owner}, so these services are not exported`,
      fix: `put ${owner}/run.json before it`,
    });
  }
}

function lintObjects(
  fragment: JsonObject,
  objects: ReadonlyMap<string, number>,
  report: Report,
): void {
  const wanted = new Set<string>();
  for (const [key, value] of Object.entries(fragment)) {
    if (key === "#spec" || typeof value !== "string") continue;
    wanted.add(value);
    if (objects.has(value)) continue;
    report({
      level: "error",
      code: "object-missing",
      path: key,
      message: `object ${value} is not in the export`,
      fix: "make the export again with all its objects",
    });
  }
  for (const sha256 of objects.keys()) {
    if (wanted.has(sha256)) continue;
    report({
      level: "warning",
      code: "object-unused",
      path: `objects/${sha256}`,
      message: "no key of the state names this object",
      fix: "leave it out",
    });
  }
}
