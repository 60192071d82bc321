import type { ChildProcess, StdioOptions } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { logGrowth } from "./log-growth.ts";

/** State of runc and the bundles of its containers; gone with the appengine. */
export const RUNC_FOLDER = "/run/pantavisor/runc";

/** A container that runc runs in the foreground. */
export interface RuncMonitor {
  readonly monitor: ChildProcess;
  /** Everything that runc has logged of this run. */
  readonly readLog: () => string;
}

/**
 * Run an OCI configuration; what it prints goes to console.log in its log folder.
 * @param channels sockets to the container's process: its descriptors from 3 on, here `stdio[3]` …
 */
export function runBundle(
  name: string,
  config: object,
  logFolder: string,
  channels = 0,
): RuncMonitor {
  const bundle = join(RUNC_FOLDER, "bundles", name);
  mkdirSync(bundle, { recursive: true });
  writeFileSync(join(bundle, "config.json"), JSON.stringify(config));
  mkdirSync(logFolder, { recursive: true });
  const log = join(logFolder, "runc.log");
  const state = join(RUNC_FOLDER, "state");
  const options = ["--root", state, "--log", log];
  // A container whose monitor was killed leaves state that keeps its name taken. We look for that
  // state first, so that an ordinary start does not wait for `runc delete`.
  if (existsSync(join(state, name))) {
    spawnSync("runc", [...options, "delete", "--force", name], { stdio: "ignore" });
  }
  const readLog = logGrowth(log);
  const run = ["run", "--no-new-keyring", "--preserve-fds", String(channels), "--bundle", bundle];
  const console = openSync(join(logFolder, "console.log"), "a");
  try {
    const pipes = Array.from({ length: channels }, () => "pipe" as const);
    const stdio: StdioOptions = ["ignore", console, console, ...pipes];
    return { monitor: spawn("runc", [...options, ...run, name], { stdio }), readLog };
  } finally {
    closeSync(console);
  }
}

/** The first error that runc logged. */
export function runcErrorFromLog(log: string): string | undefined {
  return /^.*\blevel=error msg="(.*)"$/m.exec(log)?.[1];
}
