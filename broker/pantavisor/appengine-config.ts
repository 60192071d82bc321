import { readFileSync } from "node:fs";
import { join } from "node:path";
import { KNOWN_SETTINGS } from "./known-settings.ts";

/**
 * Settings of the appengine (docs/pantavisor.md §2.4): built-in values, then the config file, then
 * `PV_*` variables of the environment.
 */
export interface AppengineConfig {
  readonly storage: string;
  readonly runDirectory: string;
  readonly volumes: string;
  /** Copies of the files that the state lays over containers. */
  readonly configs: string;
  /** First index of this appengine's band of loop devices. */
  readonly loopIndexBase: number | undefined;
  /** Seconds of group timeout where the group gives none. */
  readonly goalsTimeout: number;
  /** Seconds that an update has to be READY before it is committed. */
  readonly commitDelay: number;
  /** Every known key with its value, for GET /config. */
  readonly values: ReadonlyMap<string, string>;
  /** Sources of the values that are not built in. */
  readonly sources: ReadonlyMap<string, "pv conf file" | "env">;
}

export const CONFIG_FILE = "/etc/pantavisor-appengine.config";

/** @throws when the file cannot be read or a number is none */
export function readConfig(file: string, environment: NodeJS.ProcessEnv): AppengineConfig {
  return toConfig(readFileSync(file, "utf8"), environment);
}

/** @param text lines of KEY=VALUE; blank lines and `#` comments are skipped */
export function toConfig(text: string, environment: NodeJS.ProcessEnv): AppengineConfig {
  const values = new Map(KNOWN_SETTINGS.map(({ key, value }) => [key, value]));
  const sources = new Map<string, "pv conf file" | "env">();
  const set = (key: string, value: string, source: "pv conf file" | "env"): void => {
    values.set(key, value);
    sources.set(key, source);
  };
  for (const line of text.split("\n")) {
    const match = /^\s*([A-Z][A-Z0-9_]*)=(.*?)\s*$/.exec(line);
    if (match !== null) set(match[1] ?? "", match[2] ?? "", "pv conf file");
  }
  for (const [key, value] of Object.entries(environment)) {
    if (/^P[VH]_/.test(key) && value !== undefined) set(key, value, "env");
  }
  const base = values.get("PV_LOOP_INDEX_BASE");
  return {
    storage: values.get("PV_STORAGE_MNTPOINT") ?? "",
    runDirectory: values.get("PV_SYSTEM_RUNDIR") ?? "",
    volumes: values.get("PV_DISK_VOLDIR") ?? "",
    configs: values.get("PV_SYSTEM_CONFDIR") ?? "",
    loopIndexBase:
      base === undefined || base === "-1" ? undefined : integer("PV_LOOP_INDEX_BASE", base),
    goalsTimeout: integer("PV_UPDATER_GOALS_TIMEOUT", values.get("PV_UPDATER_GOALS_TIMEOUT") ?? ""),
    commitDelay: integer("PV_UPDATER_COMMIT_DELAY", values.get("PV_UPDATER_COMMIT_DELAY") ?? ""),
    values,
    sources,
  };
}

/** Folder of a revision in storage. */
export function revisionFolder({ storage }: AppengineConfig, revision: string): string {
  return join(storage, "trails", revision);
}

/** Folder of a revision's log tree. */
export function logFolder({ storage }: AppengineConfig, revision: string): string {
  return join(storage, "logs", revision);
}

function integer(key: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new Error(`${key}=${text} is not a number`);
  }
  return value;
}
