import { ENUMERATIONS, KNOWN_SETTINGS, SETTING_LAYERS } from "./known-settings.ts";
import type { KnownSetting, SettingKind, SettingLayer } from "./known-settings.ts";

export interface LayeredValue {
  /** As /config2 writes it; undefined when unset. */
  readonly value: string | undefined;
  readonly layer: SettingLayer;
}

/** Dotted names that stand for a key besides its own alias. */
const FURTHER_NAMES: Readonly<Record<string, string>> = {
  "meta.cache.dir": "PV_CACHE_USRMETADIR",
  "pantahub.log.push": "PV_LOG_PUSH",
  "updater.keep_factory": "PV_STORAGE_GC_KEEP_FACTORY",
};
const BY_KEY = new Map(KNOWN_SETTINGS.map((setting) => [setting.key, setting]));
const BY_ALIAS = new Map(KNOWN_SETTINGS.map((setting) => [setting.alias, setting]));

/** @param name a key in any case, or a dotted lower-case name */
export function settingNamed(name: string): KnownSetting | undefined {
  const key = Object.hasOwn(FURTHER_NAMES, name) ? FURTHER_NAMES[name] : name.toUpperCase();
  return BY_KEY.get(key ?? "") ?? BY_ALIAS.get(name);
}

/**
 * Put values of a layer over those of lower ones. What the layer may not set, what is no value of
 * its kind, and what nobody knows is left out.
 */
export function applyLayer(
  values: Map<string, LayeredValue>,
  layer: SettingLayer,
  given: Iterable<readonly [name: string, value: string]>,
): void {
  for (const [name, text] of given) {
    const setting = settingNamed(name);
    if (setting?.layers.includes(layer) !== true) continue;
    const value = toValue(setting.kind, text);
    const current = values.get(setting.key)?.layer ?? "default";
    if (value === undefined || rank(layer) < rank(current)) continue;
    values.set(setting.key, { value, layer });
  }
}

/** Lines of KEY=VALUE; blank lines and comments are skipped. */
export function keyValueLines(text: string): [string, string][] {
  return text.split("\n").flatMap((line): [string, string][] => {
    const [, key, value = ""] = /^\s*([A-Za-z][\w.]*)=(.*?)\s*$/.exec(line) ?? [];
    return key === undefined ? [] : [[key, value]];
  });
}

/** Words of a command line that begin so, without that beginning: `pv_policy=x` is `policy`. */
export function cmdlinePairs(cmdline: string, start: "pv_" | "ph_"): [string, string][] {
  return cmdline.split(" ").flatMap((word): [string, string][] => {
    if (!word.startsWith(start)) return [];
    const [name = "", ...rest] = word.slice(start.length).split("=");
    return [[name, rest.join("=")]];
  });
}

/** A value as /config2 writes it; undefined for what is none. */
function toValue(kind: SettingKind, text: string): string | undefined {
  switch (kind) {
    case "text":
      return text;
    case "boolean":
      return toBoolean(text);
    case "number":
      return /^\s*[+-]?\d{1,10}$/.test(text) ? String(Number(text)) : undefined;
    case "duration":
      return toSeconds(text);
    case "outputs":
      return String(outputsMask(text));
    default:
      return (ENUMERATIONS[kind] as readonly string[]).includes(text) ? text : undefined;
  }
}

function toBoolean(text: string): string | undefined {
  const word = text.toLowerCase();
  if (["true", "yes", "on"].includes(word)) return "1";
  if (["false", "no", "off"].includes(word)) return "0";
  return /^[+-]?\d+$/.test(word) ? String(Number(Number(word) !== 0)) : undefined;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, s: 1, min: 60, h: 3600, d: 86_400 };

function toSeconds(text: string): string | undefined {
  const [, number, unit = ""] = /^(\d{1,9})(s|min|h|d)?$/.exec(text) ?? [];
  return number === undefined ? undefined : String(Number(number) * (UNITS[unit] ?? 1));
}

const OUTPUTS = [
  "nullsink",
  "singlefile",
  "filetree",
  "stdout",
  "stdout.containers",
  "stdout.pantavisor",
  "stdout_direct",
];
/** Bit of the updates' own log, which is always on. */
const UPDATES = 128;

function outputsMask(text: string): number {
  const bits = text.split(",").map((word) => OUTPUTS.indexOf(word));
  return bits.filter((bit) => bit >= 0).reduce((mask, bit) => mask | (1 << bit), UPDATES);
}

function rank(layer: SettingLayer): number {
  return SETTING_LAYERS.indexOf(layer);
}
