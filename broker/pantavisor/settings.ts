import type { Setting, SettingSource } from "./control/pantavisor-view.ts";
import type { AppengineConfig } from "./appengine-config.ts";
import type { KnownSetting } from "./known-settings.ts";
import { KNOWN_SETTINGS } from "./known-settings.ts";

/** Numbers that the real one answers (recorded in fixtures/captures/03-ctrl-get-raw.txt). */
const ENUMERATIONS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "bootloader.type": { uboot: 0 },
  "log.server.outputs": { filetree: 132 },
  "secureboot.mode": { disabled: 0 },
  "system.init.mode": { appengine: 2 },
  "wdt.mode": { disabled: 0 },
};

/**
 * The configuration as /config and /config2 list it: what is known, then what else was set.
 * @param overrides what commands have changed
 */
export function settingsOf(
  { values, sources }: AppengineConfig,
  overrides: ReadonlyMap<string, string> = new Map(),
): Setting[] {
  const known = new Set(KNOWN_SETTINGS.map(({ key }) => key));
  const others = [...values.keys()]
    .filter((key) => /^P[VH]_/.test(key) && !known.has(key))
    .map((key) => ({ alias: aliasOf(key), key, kind: "text" as const }));
  const modified = (key: string): SettingSource =>
    overrides.has(key) ? "command" : (sources.get(key) ?? "default");
  return [...KNOWN_SETTINGS, ...others].map(({ alias, key, kind }) => {
    const value = overrides.get(key) ?? values.get(key) ?? "";
    return { alias, key, value, typed: typed(alias, kind, value), modified: modified(key) };
  });
}

function typed(alias: string, kind: KnownSetting["kind"], value: string): Setting["typed"] {
  if (value === "") return null;
  if (kind === "boolean") return value === "1";
  // A value that is not a number is shown as it was written, so that the mistake is visible.
  if (kind === "number" && Number.isFinite(Number(value))) return Number(value);
  return ENUMERATIONS[alias]?.[value] ?? value;
}

function aliasOf(key: string): string {
  return key
    .replace(/^P[VH]_/, "")
    .toLowerCase()
    .replaceAll("_", ".");
}
