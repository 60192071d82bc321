import * as z from "zod";
import { firstProblem } from "./first-problem.ts";
import type { Quirks } from "../quirks/quirks.ts";
import type { DriverAliases } from "./drivers.ts";
import { parseDriverAliases } from "./drivers.ts";
import { safeName } from "./names.ts";
import type { Group } from "./groups.ts";
import { parseGroups } from "./groups.ts";
import type { RunManifest } from "./run-manifest.ts";
import { parseRunManifest } from "./run-manifest.ts";
import type { ServiceExport } from "./services.ts";
import { parseServices } from "./services.ts";

/**
 * State JSON (docs/pantavisor.md §1.2): a flat map from slash-separated paths to inline documents
 * (`*.json`) or to the sha256 of an object. The order of the text is the order of the containers.
 */
export const STATE_SPEC = "pantavisor-service-system@1";

/**
 * Largest number of containers: no appengine runs so many, and planning 20,000 would take minutes.
 */
const MOST_CONTAINERS = 2000;

const documentSchema = z.record(z.string(), z.unknown());
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits");

export interface State {
  /** Raw keys and values in the order of the text, `#spec` left out. */
  readonly entries: readonly (readonly [key: string, value: unknown])[];
  /** Groups of the state; undefined when the appengine's default groups apply. */
  readonly groups: readonly Group[] | undefined;
  readonly containers: readonly ContainerDefinition[];
  readonly drivers: DriverAliases;
}

export interface ContainerDefinition {
  readonly name: string;
  readonly run: RunManifest;
  readonly exports: readonly ServiceExport[];
}

/** A state that cannot be run; the message names the key. */
export class StateError extends Error {
  override readonly name = "StateError";
}

/** @throws StateError naming the key that is wrong */
export function parseState(value: unknown, quirks: Quirks): State {
  const document = at("state", () => documentSchema.parse(value));
  // Zod's record drops this key unchecked, but deploying the state would write it as a file.
  if (Object.hasOwn(value as object, "__proto__")) {
    throw new StateError("__proto__: is not a name for a file");
  }
  if (document["#spec"] !== STATE_SPEC) {
    throw new StateError(`#spec: must be ${STATE_SPEC}, is ${JSON.stringify(document["#spec"])}`);
  }
  const entries = Object.entries(document).filter(([key]) => key !== "#spec");
  for (const [key, entry] of entries) at(key, () => checkEntry(key, entry));
  const names = entries.map(([key]) => containerNameOf(key)).filter((name) => name !== undefined);
  if (names.length > MOST_CONTAINERS) {
    throw new StateError(`state: ${names.length} containers are more than ${MOST_CONTAINERS}`);
  }
  const containers: ContainerDefinition[] = [];
  const dropped = quirks.has("services-order") ? exportsBeforeRun(entries) : new Set<string>();
  for (const [key, entry] of entries) {
    const name = containerNameOf(key);
    if (name === undefined) continue;
    const run = at(key, () => parseRun(name, entry, quirks));
    const services = `${name}/services.json`;
    const exports =
      Object.hasOwn(document, services) && !dropped.has(services)
        ? at(services, () => parseServices(document[services]))
        : [];
    containers.push({ name, run, exports });
  }
  const drivers = document["bsp/drivers.json"];
  return {
    entries,
    groups: groupsOf(document),
    containers,
    drivers:
      drivers === undefined ? new Map() : at("bsp/drivers.json", () => parseDriverAliases(drivers)),
  };
}

function containerNameOf(key: string): string | undefined {
  const name = /^([^/]+)\/run\.json$/.exec(key)?.[1];
  return name === "bsp" ? undefined : name;
}

function checkEntry(key: string, value: unknown): void {
  const segments = key.split("/");
  if (
    segments.some((part) => part === "" || part === "." || part === "..") ||
    /\p{Cc}/u.test(key)
  ) {
    throw new Error("is not a relative path without control characters");
  }
  if (!key.isWellFormed()) throw new Error("has half a surrogate pair in it");
  if (key.endsWith(".json") && typeof value === "object" && value !== null) return;
  sha256.parse(value);
}

function parseRun(name: string, value: unknown, quirks: Quirks): RunManifest {
  safeName.parse(name);
  const aliased = quirks.has("target-alias-null") ? withoutTargetAliases(value) : value;
  const raw = quirks.has("manifest-strings-refused") ? withoutStrings(aliased) : aliased;
  const run = parseRunManifest(raw);
  if (run.name !== name) {
    throw new Error(`name: must be the directory's '${name}', is ${JSON.stringify(run.name)}`);
  }
  if (!quirks.has("recovery-unparsed")) return run;
  const rest = { ...run };
  delete rest.auto_recovery;
  return rest;
}

/** device.json's groups beat groups.json. */
function groupsOf(document: Record<string, unknown>): readonly Group[] | undefined {
  const device = z.object({ groups: z.unknown().optional() }).safeParse(document["device.json"]);
  if (device.success && device.data.groups !== undefined) {
    return at("device.json: groups", () => parseGroups(device.data.groups));
  }
  if (document["groups.json"] === undefined) return undefined;
  return at("groups.json", () => parseGroups(document["groups.json"]));
}

function exportsBeforeRun(entries: readonly (readonly [string, unknown])[]): Set<string> {
  const keys = entries.map(([key]) => key);
  const early = keys.filter((key, index) => {
    const name = /^([^/]+)\/services\.json$/.exec(key)?.[1];
    return name !== undefined && keys.indexOf(`${name}/run.json`) > index;
  });
  return new Set(early);
}

function withoutTargetAliases(value: unknown): unknown {
  const copy = structuredClone(value) as {
    services?: Record<string, Record<string, unknown>[] | undefined>;
  } | null;
  for (const requirement of Object.values(copy?.services ?? {}).flat()) {
    if (typeof requirement !== "object" || "target" in requirement) continue;
    delete requirement["socket"];
    if (String(requirement["interface"]).startsWith("/")) delete requirement["interface"];
  }
  return copy;
}

function withoutStrings(value: unknown): unknown {
  const copy = structuredClone(value) as { services?: Record<string, unknown[]> } | null;
  for (const [kind, list] of Object.entries(copy?.services ?? {})) {
    if (copy?.services === undefined) continue;
    copy.services[kind] = list.filter((one) => typeof one !== "string");
  }
  return copy;
}

function at<T>(key: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof StateError) throw error;
    throw new StateError(printable(`${key}: ${reason(error)}`));
  }
}

/** Escape control characters, so that a key with a line end cannot write lines of its own. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}

function reason(error: unknown): string {
  if (!(error instanceof z.ZodError)) return error instanceof Error ? error.message : String(error);
  return firstProblem(error);
}
