import type { Setting, SettingSource } from "../control/pantavisor-view.ts";
import type { AppengineConfig } from "./appengine-config.ts";

const NUMBERS = new Set([
  "log.level",
  "lxc.log.level",
  "updater.commit.delay",
  "updater.goals.timeout",
]);
const BOOLEANS = new Set(["control.remote", "debug.ssh"]);
/** The real one answers these by their number (recorded in captures/03). */
const ENUMERATIONS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "bootloader.type": { uboot: 0 },
  "secureboot.mode": { disabled: 0 },
  "system.init.mode": { appengine: 2 },
  "wdt.mode": { disabled: 0 },
};

/**
 * The configuration as /config and /config2 list it: pantavisor's own settings.
 * @param overrides what commands have changed
 */
export function settingsOf(
  { values, sources }: AppengineConfig,
  overrides: ReadonlyMap<string, string> = new Map(),
): Setting[] {
  const modified = (key: string): SettingSource =>
    overrides.has(key) ? "command" : (sources.get(key) ?? "default");
  return [...new Map([...values, ...overrides])]
    .filter(([key]) => key.startsWith("PV_"))
    .map(([key, value]) => {
      const alias = key.slice("PV_".length).toLowerCase().replaceAll("_", ".");
      return {
        alias,
        key,
        value,
        typed: typed(alias, value),
        modified: modified(key),
      };
    });
}

function typed(alias: string, value: string): Setting["typed"] {
  if (value === "") return null;
  if (NUMBERS.has(alias)) return Number(value);
  if (BOOLEANS.has(alias)) return value === "1";
  return ENUMERATIONS[alias]?.[value] ?? value;
}
