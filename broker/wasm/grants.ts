import type { GuestService, WasmGuest } from "../shared/formats/wasm-guest.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";
import type { GuestImport } from "./engines/engine.ts";
import { GuestFailure } from "./guest-errno.ts";
import type { HostModules } from "./host-function.ts";

/** Service type that a host module reaches: its functions exist for guests with such a service. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ["pantavisor_http", "rest"],
  ["pantavisor_dbus", "dbus"],
  ["pantavisor_shm", "unix"],
]);
/** Functions of pantavisor_http that serve requests instead of making them. */
const OF_PROVIDERS: readonly string[] = ["accept", "respond"];
/** Imports that are named; a hostile module may have 100,000. */
const MAX_NAMED = 10;

/**
 * Check all imports of a module before it is instantiated.
 * @throws GuestFailure naming those that run.json and services.json do not grant, or that no host
 *         module has
 */
export function refuseUngranted(
  imports: readonly GuestImport[],
  modules: HostModules,
  guest: Pick<WasmGuest, "requires" | "provides">,
  quirks: Quirks,
): void {
  const problems = imports.flatMap((one) => {
    const problem = problemOf(one, modules, guest, quirks);
    return problem === undefined ? [] : [`import ${one.module}.${one.name} ${problem}`];
  });
  if (problems.length === 0) return;
  const more = problems.length - MAX_NAMED;
  const rest = more > 0 ? [`${more} imports more`] : [];
  throw new GuestFailure([...problems.slice(0, MAX_NAMED), ...rest].join("; "));
}

function problemOf(
  { module, name, kind }: GuestImport,
  modules: HostModules,
  { requires, provides }: Pick<WasmGuest, "requires" | "provides">,
  quirks: Quirks,
): string | undefined {
  if (kind !== "function") return `is a ${kind}: a guest may import functions alone`;
  if (!Object.hasOwn(modules.get(module) ?? {}, name)) return "is unknown";
  const type = TYPES.get(module);
  if (type === undefined || quirks.has("wasm-all-imports")) return undefined;
  if (OF_PROVIDERS.includes(name)) {
    return provides.length > 0 ? undefined : "is not granted: services.json exports no service";
  }
  if (requires.some((one) => isOfType(one, type))) return undefined;
  // A provider reads its requests with the functions that a consumer reads responses with.
  if (type === "rest" && name !== "request" && provides.length > 0) return undefined;
  return `is not granted: run.json requires no service of type ${type}`;
}

/** True for a service that a host module of this type may use. */
export function isOfType({ type = "" }: GuestService, wanted: string): boolean {
  return type === "" || type === wanted;
}
