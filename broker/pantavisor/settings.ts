import type { Setting } from "./control/pantavisor-view.ts";
import type { AppengineConfig } from "./appengine-config.ts";
import { ENUMERATIONS, KNOWN_SETTINGS } from "./known-settings.ts";
import type { SettingKind } from "./known-settings.ts";
import { applyLayer } from "./setting-layers.ts";

/**
 * The configuration as /config and /config2 list it.
 * @param overrides what commands have changed
 * @param userMeta its keys may be those of settings that change while it runs
 */
export function settingsOf(
  { values }: AppengineConfig,
  overrides: ReadonlyMap<string, string> = new Map(),
  userMeta: Readonly<Record<string, unknown>> = {},
): Setting[] {
  const now = new Map(values);
  const texts = Object.entries(userMeta).flatMap(([key, value]): [string, string][] =>
    typeof value === "string" ? [[key, value]] : [],
  );
  applyLayer(now, "metadata", texts);
  applyLayer(now, "command", overrides);
  return KNOWN_SETTINGS.map(({ alias, key, kind }) => {
    const { value, layer } = now.get(key) ?? { value: undefined, layer: "default" };
    return { alias, key, value, typed: typed(kind, value), modified: layer };
  });
}

function typed(kind: SettingKind, value: string | undefined): Setting["typed"] {
  if (value === undefined) return null;
  switch (kind) {
    case "boolean":
      return value === "1";
    case "number":
    case "duration":
    case "outputs":
      return Number(value);
    case "text":
      return value;
    default:
      return (ENUMERATIONS[kind] as readonly string[]).indexOf(value);
  }
}
