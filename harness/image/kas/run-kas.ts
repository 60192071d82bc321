import { closeSync, openSync, writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { $ } from "zx";
import { machineError } from "../../machine-error.ts";
import { systemPath } from "../../engine/programs.ts";
import type { ContainerEngine } from "./container-engine.ts";
import { KasOutput } from "./kas-output.ts";
import type { KasPlan } from "./kas-plan.ts";
import { LineSplitter } from "./line-splitter.ts";

export interface KasRun {
  /** Name of the container that kas-container starts. */
  readonly container: string;
  readonly labels: Readonly<Record<string, string>>;
  /** File of everything that the build prints. */
  readonly log: string;
  readonly engine: ContainerEngine;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
  /** Milliseconds without a line after which that is said; default five minutes. */
  readonly silence?: number;
}

export interface KasResult {
  readonly exit: number | string;
  readonly output: KasOutput;
  /** The log is cut, because its disk is full. */
  readonly logError: Error | undefined;
  /** The container could not be removed after an interruption. */
  readonly left: boolean;
}

/** Milliseconds after Ctrl+C for bitbake's own end, and then for the client's. */
const GENTLE = 800;
const FIRM = 1_500;

/** Run `kas-container build` in a checkout, until it ends or the signal comes. */
export async function runKas(root: string, plan: KasPlan, run: KasRun): Promise<KasResult> {
  const { progress, signal } = run;
  const output = new KasOutput();
  const log = openSync(run.log, "a");
  let logError: Error | undefined;
  let lastLine = "";
  let heard = performance.now();
  const splitter = new LineSplitter((line) => {
    heard = performance.now();
    if (line.trim() !== "") lastLine = line;
    const step = output.line(line);
    if (step !== undefined) progress(step.text);
  });
  const take = (chunk: Buffer): void => {
    splitter.write(chunk);
    if (logError !== undefined) return;
    try {
      writeSync(log, chunk);
    } catch (error) {
      logError = machineError(error) ?? (error as Error);
      progress(`the log ends here: ${logError.message}`);
    }
  };
  const labels = Object.entries(run.labels).map(([key, value]) => `--label ${key}=${value}`);
  const runtime = ["--name", run.container, ...labels, "-e PVR_DISABLE_SELF_UPGRADE=1"].join(" ");
  const targets = plan.targets.flatMap((target) => ["--target", target]);
  const words = ["--runtime-args", runtime, "build", ...targets, plan.configs.join(":")];
  const child = $({
    cwd: root,
    // A process group of its own: Ctrl+C of the terminal reaches it through pvh alone.
    detached: true,
    env: { ...process.env, PATH: systemPath(), PVR_DISABLE_SELF_UPGRADE: "1", TERM: "dumb" },
    stdio: ["ignore", "pipe", "pipe"],
    quiet: true,
    nothrow: true,
    store: NOTHING_KEPT,
  })`./kas-container ${words}`;
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  const silence = run.silence ?? 300_000;
  const watch = setInterval(
    () => {
      const quiet = performance.now() - heard;
      if (quiet < silence) return;
      heard = performance.now();
      progress(
        `no output for ${Math.round(quiet / 1000)} s; the last line: ${lastLine.slice(0, 200)}`,
      );
      progress(`${run.engine.program} exec ${run.container} ps -ef   # looks inside`);
    },
    Math.max(10, silence / 5),
  );
  let left = false;
  const stopped = stopOn(signal, child.pid, child, run).then((removed) => (left = !removed));
  try {
    const { exitCode, signal: killed } = await child;
    // An interrupted client ends before its container is gone.
    if (signal.aborted) await stopped;
    return { exit: exitCode ?? killed ?? "without a code", output, logError, left };
  } finally {
    clearInterval(watch);
    splitter.end();
    closeSync(log);
  }
}

/** zx keeps what a program prints; a build prints gigabytes. */
const NOTHING_KEPT = { stdout: nothing(), stderr: nothing(), stdall: nothing() };

function nothing(): Buffer[] {
  const list: Buffer[] = [];
  list.push = () => 0;
  return list;
}

/**
 * Interrupt the build when the signal comes: first bitbake, by its client, then its container.
 * @returns whether the container is gone
 */
async function stopOn(
  signal: AbortSignal,
  pid: number | undefined,
  ended: PromiseLike<unknown>,
  { engine, container }: KasRun,
): Promise<boolean> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  const over = ended.then(() => undefined);
  sendToGroup(pid, "SIGINT");
  await Promise.race([over, delay(GENTLE)]);
  const removed = await engine.remove(container);
  sendToGroup(pid, "SIGTERM");
  await Promise.race([over, delay(FIRM)]);
  sendToGroup(pid, "SIGKILL");
  return removed;
}

function sendToGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}
