import { readFileSync } from "node:fs";
import { QUIRKS } from "./names.ts";
import type { QuirkName } from "./names.ts";

/** The quirks that are on. `none` is the strict profile. */
export interface Quirks {
  /** True when the quirk is on for everything, or for this service type. */
  has(name: QuirkName, type?: string): boolean;
}

export const none: Quirks = { has: () => false };

/**
 * @param list `PVH_QUIRKS`: names separated by commas, each optionally narrowed to a service
 *             type (`no-half-close:unix`).
 * @throws Error naming an unknown quirk
 */
export function parseQuirks(list: string | undefined): Quirks {
  const on = new Set<string>();
  for (const item of (list ?? "").split(",")) {
    const text = item.trim();
    if (text === "") continue;
    const name = text.split(":", 1)[0] ?? "";
    if (!Object.hasOwn(QUIRKS, name)) throw new Error(`unknown quirk ${JSON.stringify(name)}`);
    on.add(text);
  }
  if (on.size === 0) return none;
  return { has: (name, type) => on.has(name) || (type !== undefined && on.has(`${name}:${type}`)) };
}

/**
 * The quirks that a program starts with: those of `PVH_QUIRKS`, and those in the file that
 * `PVH_QUIRKS_FILE` names, of the same form. Only an appengine that was booted for mutants has that
 * variable; its file says what the next start of a program is to deviate in.
 *
 * @throws Error naming an unknown quirk
 */
export function quirksOf(environment: NodeJS.ProcessEnv): Quirks {
  const { PVH_QUIRKS: always = "", PVH_QUIRKS_FILE: path } = environment;
  return parseQuirks(path === undefined ? always : `${always},${readList(path)}`);
}

/** @returns nothing of a file that is not there yet */
function readList(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
