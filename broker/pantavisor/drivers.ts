import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DriverBody } from "../shared/formats/control.ts";
import type { DriverAliases, DriverNeeds } from "../shared/formats/drivers.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";

/**
 * The drivers that containers ask for by alias (docs/pantavisor.md §1.3, §1.6, §3.3).
 *
 * An appengine's kernel is its host's, so nothing is ever loaded into it on a manifest's word:
 * a driver can be loaded when the kernel has all modules of its alias already.
 */
export interface Drivers {
  /**
   * Load what a container requires and may use, before it starts.
   * @throws Error naming the required driver that is missing
   */
  prepare(container: string): void;
  list(container: string): DriverBody[];
  /**
   * Load or unload one driver of a container, or all of them.
   * @returns why not, with the driver's name
   */
  set(container: string, status: "LOADED" | "UNLOADED", name?: string): string | undefined;
}

export interface DriverOptions {
  readonly aliases: DriverAliases;
  /** Needs of a container in the running revision, asked each time because revisions change. */
  readonly needsOf: (container: string) => DriverNeeds | undefined;
  readonly quirks: Quirks;
  /** A folder for each module that the kernel has; default /sys/module. */
  readonly modules?: string;
}

export function openDrivers({
  aliases,
  needsOf,
  quirks,
  modules = "/sys/module",
}: DriverOptions): Drivers {
  const loaded = new Map<string, Set<string>>();
  const loadedOf = (container: string): Set<string> => {
    const known = loaded.get(container) ?? new Set();
    loaded.set(container, known);
    return known;
  };

  /** @returns why it cannot be */
  function load(container: string, name: string): string | undefined {
    const wanted = aliases.get(name);
    if (wanted === undefined) return `'${name}': bsp/drivers.json has no such alias`;
    const missing = wanted.map(moduleOf).find((module) => !existsSync(join(modules, module)));
    if (missing !== undefined) return `'${name}': the kernel has no module ${missing}`;
    loadedOf(container).add(name);
    return undefined;
  }

  return {
    prepare(container) {
      const { required, optional } = quirks.has("drivers-ignored") ? none : of(container);
      for (const name of optional) load(container, name);
      for (const name of required) {
        const why = load(container, name);
        if (why !== undefined) throw new Error(`required driver ${why}`);
      }
    },
    list(container) {
      const { required, optional, manual } = of(container);
      const body = (name: string, type: DriverBody["type"]): DriverBody => ({
        name,
        type,
        status: !aliases.has(name)
          ? "UNKNOWN"
          : loadedOf(container).has(name)
            ? "LOADED"
            : "UNLOADED",
      });
      return [
        ...required.map((name) => body(name, "REQUIRED")),
        ...optional.map((name) => body(name, "OPTIONAL")),
        ...manual.map((name) => body(name, "MANUAL")),
      ];
    },
    set(container, status, name) {
      const { required, optional, manual } = of(container);
      const all = [...required, ...optional, ...manual];
      if (name !== undefined && !all.includes(name)) return `'${name}': not in run.json`;
      const chosen = name === undefined ? all : [name];
      const refusals = chosen.map((one) => {
        if (status === "LOADED") return load(container, one);
        loadedOf(container).delete(one);
        return undefined;
      });
      return refusals.find((why) => why !== undefined);
    },
  };

  function of(container: string): DriverNeeds {
    return needsOf(container) ?? none;
  }
}

const none: DriverNeeds = { required: [], optional: [], manual: [] };

/** `snd-hda option=1` is the module snd_hda, as the kernel spells it. */
function moduleOf(line: string): string {
  return (line.split(/\s/)[0] ?? "").replaceAll("-", "_");
}
