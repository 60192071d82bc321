import { readFileSync } from "node:fs";
import { join } from "node:path";
import { KNOWN_SETTINGS } from "./known-settings.ts";
import { applyLayer, cmdlinePairs, keyValueLines } from "./setting-layers.ts";
import type { LayeredValue } from "./setting-layers.ts";

/**
 * Settings of the appengine (docs/pantavisor.md §2.4): built-in values, then the config file, a policy,
 * an OEM's file, the command line, and `PV_*` variables of the environment.
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
  /** Every known key with its value and its layer, for GET /config. */
  readonly values: ReadonlyMap<string, LayeredValue>;
}

export const CONFIG_FILE = "/etc/pantavisor-appengine.config";

/** The cloud's settings in storage, which the first boot writes. */
export const CREDENTIALS_FILE = "config/pantahub.config";

export interface ConfigLayers {
  /** Words `pv_…` and `ph_…` of pantavisor's command line. */
  readonly cmdline?: string;
  /** Text of a file, undefined where it is missing; for the policy's and the OEM's. */
  readonly read?: (path: string) => string | undefined;
}

/** @throws when the file cannot be read or a number is none */
export function readConfig(
  file: string,
  environment: NodeJS.ProcessEnv,
  cmdline = "",
): AppengineConfig {
  const read = (path: string): string | undefined => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return undefined;
    }
  };
  return toConfig(readFileSync(file, "utf8"), environment, { cmdline, read });
}

/** @param text lines of KEY=VALUE; blank lines and `#` comments are skipped */
export function toConfig(
  text: string,
  environment: NodeJS.ProcessEnv,
  { cmdline = "", read = () => undefined }: ConfigLayers = {},
): AppengineConfig {
  const values = new Map<string, LayeredValue>(
    KNOWN_SETTINGS.map(({ key, value }) => [key, { value, layer: "default" }]),
  );
  const file = keyValueLines(text);
  const env = Object.entries(environment).flatMap(([key, value]): [string, string][] =>
    /^p[vh]_/i.test(key) && value !== undefined ? [[key, value]] : [],
  );
  refuseNoNumbers(new Map([...file, ...env]));
  const words = cmdlinePairs(cmdline, "pv_");
  applyLayer(values, "pv conf file", file);
  const get = (key: string): string => values.get(key)?.value ?? "";
  const credentials = join(get("PV_STORAGE_MNTPOINT"), CREDENTIALS_FILE);
  applyLayer(values, "ph conf file", keyValueLines(read(credentials) ?? ""));
  const policy = [words, env, file].map(policyIn).find((name) => name !== undefined);
  if (policy !== undefined) {
    const path = `${get("PV_SYSTEM_ETCPANTAVISORDIR")}/policies/${policy}.config`;
    applyLayer(values, "policy", keyValueLines(read(path) ?? ""));
  }
  applyLayer(values, "pv cmdline", words);
  applyLayer(values, "ph cmdline", cmdlinePairs(cmdline, "ph_"));
  applyLayer(values, "env", env);
  const oem = values.get("PV_OEM_NAME")?.value ?? "";
  if (/^[\w.-]+$/.test(oem)) {
    const revision = /(?:^| )pv_rev=(\S+)/.exec(cmdline)?.[1] ?? "0";
    const name = `${values.get("PV_POLICY")?.value ?? "default"}.config`;
    const path = join(get("PV_STORAGE_MNTPOINT"), "trails", revision, oem, name);
    applyLayer(values, "oem config", keyValueLines(read(path) ?? ""));
  }
  const base = get("PV_LOOP_INDEX_BASE");
  return {
    storage: get("PV_STORAGE_MNTPOINT"),
    runDirectory: get("PV_SYSTEM_RUNDIR"),
    volumes: get("PV_DISK_VOLDIR"),
    configs: get("PV_SYSTEM_CONFDIR"),
    loopIndexBase: base === "-1" ? undefined : integer("PV_LOOP_INDEX_BASE", base),
    goalsTimeout: integer("PV_UPDATER_GOALS_TIMEOUT", get("PV_UPDATER_GOALS_TIMEOUT")),
    commitDelay: integer("PV_UPDATER_COMMIT_DELAY", get("PV_UPDATER_COMMIT_DELAY")),
    values,
  };
}

/** Settings that the appengine acts on; a mistake in one must not be passed over. */
const ACTED_ON = ["PV_LOOP_INDEX_BASE", "PV_UPDATER_GOALS_TIMEOUT", "PV_UPDATER_COMMIT_DELAY"];

function refuseNoNumbers(given: ReadonlyMap<string, string>): void {
  for (const [key, value] of given) {
    if (ACTED_ON.includes(key) && value !== "-1") integer(key, value);
  }
}

/** A policy is a file's name, and no path. */
function policyIn(pairs: readonly (readonly [string, string])[]): string | undefined {
  const [, name] = pairs.find(([key]) => ["PV_POLICY", "policy"].includes(key)) ?? [];
  return name === undefined || !/^[\w.-]+$/.test(name) ? undefined : name;
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
