import { spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import type { OwnLog } from "./own-log.ts";

/** Action to take after pantavisor has ended (docs/pantavisor.md §2.3). */
export type NextStep =
  | { readonly kind: "again"; readonly warning?: string }
  | { readonly kind: "leave"; readonly code: number };

const POWEROFF = 3;

/** @param forwarded a shutdown signal was passed on: its end is what was asked for */
export function afterExit(
  code: number | null,
  signal: string | null,
  forwarded: boolean,
): NextStep {
  if (forwarded || code === POWEROFF) return { kind: "leave", code: 0 };
  if (code === 0) return { kind: "again" };
  if (code === null || code >= 128) {
    const how = signal === null ? `code ${code ?? ""}` : `signal ${signal}`;
    return { kind: "again", warning: `pantavisor crashed (${how}); rebooting device...` };
  }
  return { kind: "leave", code };
}

export interface Launch {
  readonly command: readonly [string, ...string[]];
  readonly revision: string;
}

export interface SupervisorOptions {
  /** Called before each launch, because the revision to boot may have changed. */
  readonly nextLaunch: () => Launch;
  readonly environment: NodeJS.ProcessEnv;
  /** Seconds between an end and the next launch. */
  readonly delaySeconds: number;
  readonly log: OwnLog;
  /** Aborted with the name of the signal that asks for the end. */
  readonly shutdown: AbortSignal;
  /** Children of ours by pid, for whoever reaps orphans. */
  readonly children: Set<number>;
}

/**
 * Run pantavisor again and again until it powers off, fails, or `shutdown` fires.
 * @returns exit code for pv-appengine
 */
export async function supervise(options: SupervisorOptions): Promise<number> {
  const { log, nextLaunch, delaySeconds, shutdown } = options;
  while (!shutdown.aborted) {
    const launch = nextLaunch();
    log.info(`launching pantavisor rev=${launch.revision}`);
    const { code, signal } = await run(launch.command, options);
    log.debug("pantavisor exited");
    const next = afterExit(code, signal, shutdown.aborted);
    if (next.kind === "leave") return next.code;
    if (next.warning !== undefined) log.warn(next.warning);
    log.debug(`restarting in ${delaySeconds} seconds...`);
    await pause(delaySeconds * 1000, undefined, { signal: shutdown }).catch(() => undefined);
  }
  return 0;
}

async function run(
  command: Launch["command"],
  { environment, shutdown, children }: SupervisorOptions,
): Promise<{ code: number | null; signal: string | null }> {
  const [file, ...args] = command;
  const child = spawn(file, args, { env: environment, stdio: ["ignore", "inherit", "inherit"] });
  const { pid } = child;
  if (pid !== undefined) children.add(pid);
  const forward = () => child.kill(shutdown.reason as NodeJS.Signals);
  shutdown.addEventListener("abort", forward);
  const ended = await new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once("error", () => resolve({ code: 127, signal: null }));
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  shutdown.removeEventListener("abort", forward);
  if (pid !== undefined) children.delete(pid);
  return ended;
}
