import * as z from "zod";
import { firstProblem } from "./first-problem.ts";
import { none } from "../quirks/quirks.ts";
import type { Quirks } from "../quirks/quirks.ts";
import type { DriverAliases } from "./drivers.ts";
import { parseDriverAliases } from "./drivers.ts";
import { safeName } from "./names.ts";
import { parsePools } from "./network.ts";
import type { Pool } from "./network.ts";
import { printable } from "./printable.ts";
import type { Group } from "./groups.ts";
import { parseGroups } from "./groups.ts";
import type { RunManifest } from "./run-manifest.ts";
import { parseRunManifest } from "./run-manifest.ts";
import type { OwnedName } from "./hosted-bus.ts";
import type { ServiceExport } from "./services.ts";
import { ownsName, parseServices } from "./services.ts";
import { exportsBeforeRun, withNamelessStrings, withoutTargetAliases } from "./state.quirk.ts";

/**
 * State JSON (docs/pantavisor.md §1.2): a flat map from slash-separated paths to inline documents
 * (`*.json`) or to the sha256 of an object. The order of the text is the order of the containers.
 */
export const STATE_SPEC = "pantavisor-service-system@1";

/** No appengine can run so many; to plan ten times as many would take it minutes. */
const MOST_CONTAINERS = 2000;
/** Exported and required ones, and roles that names on the hosted bus are for, of all containers. */
const MOST_SERVICES = 20_000;
/** Bytes of a key: it becomes a path below the revision's folder (PATH_MAX is 4096). */
const LONGEST_KEY = 1024;
/** Bytes between two slashes (NAME_MAX). */
const LONGEST_SEGMENT = 255;
const DEEPEST_KEY = 32;
/** Characters of a key in a message. */
const LONGEST_SHOWN = 200;
const PROTO = "__proto__";
const NO_FILE = "is not a name for a file";

const documentSchema = z.record(z.string(), z.unknown());
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits");

export interface State {
  /** Raw keys and values in the order of the text, `#spec` left out. */
  readonly entries: readonly (readonly [key: string, value: unknown])[];
  /** Groups of the state; undefined when the appengine's default groups apply. */
  readonly groups: readonly Group[] | undefined;
  readonly containers: readonly ContainerDefinition[];
  readonly drivers: DriverAliases;
  /** Network pools by name. */
  readonly pools: ReadonlyMap<string, Pool>;
}

export interface ContainerDefinition {
  readonly name: string;
  readonly run: RunManifest;
  readonly exports: readonly ServiceExport[];
  /** Names on the bus that pantavisor hosts. */
  readonly owned: readonly OwnedName[];
}

/** A state that cannot be run; the message begins with the key, or `state` for it as a whole. */
export class StateError extends Error {
  override readonly name = "StateError";
}

/** @throws StateError naming the key that is wrong */
export function parseState(value: unknown, quirks: Quirks = none): State {
  const document = at("state", () => documentSchema.parse(value));
  // zod's record drops this key, but the deployed state would still have it, unchecked.
  if (Object.hasOwn(value as object, PROTO)) throw new StateError(`${PROTO}: ${NO_FILE}`);
  if (document["#spec"] !== STATE_SPEC) {
    throw new StateError(`#spec: must be ${STATE_SPEC}, is ${JSON.stringify(document["#spec"])}`);
  }
  const entries = Object.entries(document).filter(([key]) => key !== "#spec");
  checkEntries(entries);
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
    const offers =
      Object.hasOwn(document, services) && !dropped.has(services)
        ? at(services, () => parseServices(document[services]))
        : [];
    const exports = offers.filter((one) => !ownsName(one));
    containers.push({ name, run, exports, owned: offers.filter(ownsName) });
  }
  const links = containers.reduce((sum, one) => sum + serviceCountOf(one), 0);
  if (links > MOST_SERVICES) {
    throw new StateError(`state: ${links} services are more than ${MOST_SERVICES}`);
  }
  const drivers = document["bsp/drivers.json"];
  return {
    entries,
    groups: groupsOf(document),
    pools: poolsOf(document),
    containers,
    drivers:
      drivers === undefined ? new Map() : at("bsp/drivers.json", () => parseDriverAliases(drivers)),
  };
}

/**
 * The one rule for which keys of a state make a container: `NAME/run.json`, where NAME is none of
 * Pantavisor's own folders.
 * @returns the container's name
 */
export function containerNameOf(key: string): string | undefined {
  const name = /^([^/]+)\/run\.json$/.exec(key)?.[1];
  return name === undefined || NO_CONTAINERS.includes(name) ? undefined : name;
}

/** The board support package, configuration overlays and signatures. */
const NO_CONTAINERS = ["bsp", "_config", "_sigs"];

/**
 * Check what every key and value of a state or fragment has to be, `#spec` left out.
 * @throws StateError naming the first key that is wrong
 */
export function checkEntries(entries: readonly (readonly [string, unknown])[]): void {
  const keys = new Set(entries.map(([key]) => key));
  for (const [key, value] of entries) {
    at(key, () => {
      checkKey(key);
      const parent = parentsOf(key).find((path) => keys.has(path));
      if (parent !== undefined) throw new Error(`${parent} is a file already`);
      checkValue(key, value);
    });
  }
}

/** Keys become files in the revision's folder, beside its own `.pvr` and `.pv`. */
function checkKey(key: string): void {
  const tooLong = () => new Error("is too long for a path");
  if (Buffer.byteLength(key) > LONGEST_KEY) throw tooLong();
  const segments = key.split("/");
  if (
    segments.some((part) => part === "" || part === "." || part === "..") ||
    /\p{Cc}/u.test(key)
  ) {
    throw new Error("is not a relative path without control characters");
  }
  if (!key.isWellFormed()) throw new Error("has half a surrogate pair in it");
  if (key === PROTO) throw new Error(NO_FILE);
  if (/^\.pvr?(\/|$)/.test(key)) throw new Error("is where a revision keeps its own files");
  const isLong = segments.some((part) => Buffer.byteLength(part) > LONGEST_SEGMENT);
  if (isLong || segments.length > DEEPEST_KEY) throw tooLong();
}

/** `a/b/c` → `a`, `a/b` */
function parentsOf(key: string): string[] {
  const parents: string[] = [];
  for (let slash = key.indexOf("/"); slash !== -1; slash = key.indexOf("/", slash + 1)) {
    parents.push(key.slice(0, slash));
  }
  return parents;
}

function checkValue(key: string, value: unknown): void {
  if (key.endsWith(".json") && typeof value === "object" && value !== null) return;
  sha256.parse(value);
}

function serviceCountOf({ run, exports, owned }: ContainerDefinition): number {
  const roles = owned.reduce((sum, { allow }) => sum + 1 + allow.length, 0);
  return exports.length + roles + run.services.required.length + run.services.optional.length;
}

function parseRun(name: string, value: unknown, quirks: Quirks): RunManifest {
  safeName.parse(name);
  const aliased = quirks.has("target-alias-null") ? withoutTargetAliases(value) : value;
  const raw = quirks.has("manifest-strings-refused") ? withNamelessStrings(aliased) : aliased;
  const run = parseRunManifest(raw);
  if (run.name !== name) {
    throw new Error(`name: must be the directory's '${name}', is ${JSON.stringify(run.name)}`);
  }
  if (!quirks.has("recovery-unparsed")) return run;
  const rest = { ...run };
  delete rest.auto_recovery;
  return rest;
}

function groupsOf(document: Record<string, unknown>): readonly Group[] | undefined {
  const found = groupsDocumentOf(document);
  return found === undefined ? undefined : at(found.where, () => parseGroups(found.value));
}

function poolsOf(document: Record<string, unknown>): State["pools"] {
  const schema = z.object({ network: z.object({ pools: z.unknown() }).optional() });
  const { data } = schema.safeParse(document["device.json"]);
  const pools = data?.network?.pools;
  return pools === undefined
    ? new Map()
    : at("device.json: network.pools", () => parsePools(pools));
}

/** The groups that a state brings: device.json's beat groups.json. */
export function groupsDocumentOf(
  document: Readonly<Record<string, unknown>>,
): { readonly where: string; readonly value: unknown } | undefined {
  const device = z.object({ groups: z.unknown().optional() }).safeParse(document["device.json"]);
  if (device.success && device.data.groups !== undefined) {
    return { where: "device.json: groups", value: device.data.groups };
  }
  const value = document["groups.json"];
  return value === undefined ? undefined : { where: "groups.json", value };
}

function at<T>(key: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof StateError) throw error;
    const shown = key.length > LONGEST_SHOWN ? `${key.slice(0, LONGEST_SHOWN)}…` : key;
    throw new StateError(printable(`${shown}: ${reason(error)}`));
  }
}

function reason(error: unknown): string {
  if (!(error instanceof z.ZodError)) return error instanceof Error ? error.message : String(error);
  return firstProblem(error);
}
