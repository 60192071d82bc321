import { SAFE_NAME } from "../../broker/formats/names.ts";
import { STATE_SPEC } from "../../broker/formats/state.ts";
import type { Finding, Report } from "./finding.ts";
import { lintRun } from "./lint-run.ts";
import { exportedTypes, lintServices } from "./lint-services.ts";
import type { JsonObject } from "./json-value.ts";
import type { ReadExport } from "./read-export.ts";

/**
 * What is wrong, or will surprise, in an export (docs/pantavisor.md §1). Findings come in the order
 * of the state's keys. Unknown keys are nobody's business; wrong types are errors.
 */
export function lintExport({ fragment, objects, ignored }: ReadExport): Finding[] {
  const findings: Finding[] = [];
  const report: Report = (finding) => void findings.push(finding);
  lintSpec(fragment, report);
  for (const container of containersOf(fragment)) lintContainer(container, fragment, report);
  lintStray(fragment, report);
  lintObjects(fragment, objects, report);
  for (const member of ignored) {
    report({
      level: "warning",
      code: "member-ignored",
      path: member,
      message: "Pantavisor passes over this member",
      fix: "leave it out; an export holds json and objects/<sha256>",
    });
  }
  return findings;
}

function lintSpec(fragment: JsonObject, report: Report): void {
  const keys = Object.keys(fragment);
  if (fragment["#spec"] !== STATE_SPEC) {
    report({
      level: "error",
      code: "spec-unknown",
      path: "#spec",
      message: `#spec is ${JSON.stringify(fragment["#spec"])}`,
      fix: `write "${STATE_SPEC}"`,
    });
  }
  if (keys[0] !== "#spec") {
    report({
      level: "error",
      code: "spec-not-first",
      path: "#spec",
      message: "pvtx takes the first key for #spec and loses it",
      fix: "write #spec before all other keys",
    });
  }
}

/** Names of the containers: `<name>/run.json`. */
function containersOf(fragment: JsonObject): string[] {
  return Object.keys(fragment).flatMap((key) => /^([^/]+)\/run\.json$/.exec(key)?.[1] ?? []);
}

function lintContainer(name: string, fragment: JsonObject, report: Report): void {
  const keys = Object.keys(fragment);
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
  if (keys.includes(services) && keys.indexOf(services) < keys.indexOf(`${name}/run.json`)) {
    report({
      level: "error",
      code: "services-before-run",
      path: services,
      message: "services.json stands before run.json: its exports vanish without a word",
      fix: "write the keys in byte order, or run.json first",
    });
  }
  lintServices(services, fragment[services], report);
  lintRun(name, fragment, exportedTypes(fragment), report);
}

function lintStray(fragment: JsonObject, report: Report): void {
  for (const key of Object.keys(fragment)) {
    if (/\/.*\/run\.json$/.test(key) && key !== "bsp/run.json") {
      report({
        level: "error",
        code: "run-json-too-deep",
        path: key,
        message: "Pantavisor takes every key that ends in /run.json for a container",
        fix: "rename the file",
      });
    }
    const owner = /^([^/]+)\/services\.json$/.exec(key)?.[1];
    if (owner !== undefined && !(`${owner}/run.json` in fragment)) {
      report({
        level: "error",
        code: "services-without-run",
        path: key,
        message: `nothing runs as ${owner} here, so nothing is exported`,
        fix: `put ${owner}/run.json before it`,
      });
    }
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
