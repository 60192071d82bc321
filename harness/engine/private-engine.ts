import { spawn } from "node:child_process";
import { chmodSync, closeSync, fchmodSync, openSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { PvhError } from "../errors.ts";
import { makeFolder } from "../make-folder.ts";
import { WORKER_VARIABLE } from "../processes.ts";
import { until } from "../until.ts";
import type { FindOptions } from "./engine.ts";
import { withFileLock } from "./file-lock.ts";
import { engineFolder, engineRunFolder } from "./folders.ts";
import {
  containerdPid,
  containerdPidFile,
  pidFile,
  privateEngineHost,
  privateEngineLog,
  runningPid,
  socketPath,
} from "./private-engine-files.ts";
import { findProgram, systemPath } from "./programs.ts";
import { silentEngine } from "./silent-engine.ts";

/**
 * The private engine is a dockerd of pvh's own, for machines on which none runs: no bridge and
 * no firewall rules, so it changes nothing of the host's network. All clones of one user share
 * it; it survives pvh.
 */

/** Root, with dockerd on the machine. */
export function canStartPrivateEngine(): boolean {
  return process.getuid?.() === 0 && findProgram("dockerd") !== undefined;
}

/**
 * Start it, unless another process has just done so, and wait until it answers.
 *
 * @throws PvhError PVH_ENGINE_UNREACHABLE with the end of its log, PVH_ENGINE_SILENT when it runs
 *         and does not answer, PVH_ABORTED
 */
export async function startPrivateEngine(options: FindOptions = {}): Promise<void> {
  const { progress, signal } = options;
  await withFileLock(
    engineFolder("start.lock"),
    async () => {
      if (await answers()) return;
      // A second dockerd would ask for the first one's pid file to be deleted.
      if (runningPid() !== undefined && (await answersOrEnds(signal))) return;
      progress?.(`no Docker engine runs here: starting a private one (state in ${engineFolder()})`);
      await launch(signal);
      progress?.(`private engine is up at ${privateEngineHost()}`);
    },
    { ...(signal && { signal }), onWait: () => progress?.("another pvh is starting the engine") },
  );
}

/** @returns false when none was running */
export async function stopPrivateEngine(signal?: AbortSignal): Promise<boolean> {
  const pid = runningPid();
  if (pid === undefined) return false;
  process.kill(pid, "SIGTERM");
  // A stopped process receives SIGTERM only after SIGCONT.
  process.kill(pid, "SIGCONT");
  await until("the private engine to stop", () => runningPid() === undefined, {
    timeout: 30_000,
    code: "PVH_ENGINE",
    ...(signal && { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted === true) throw error;
    throw new PvhError("PVH_ENGINE", `the private engine, process ${pid}, does not end`, {
      hint: `read ${privateEngineLog()}; kill -KILL ${pid} ends it at once`,
      cause: error,
    });
  });
  return true;
}

async function launch(signal: AbortSignal | undefined): Promise<void> {
  const program = findProgram("dockerd");
  if (program === undefined) throw new PvhError("PVH_ENGINE_UNREACHABLE", "dockerd is missing");
  for (const folder of [engineRunFolder(), engineFolder()]) keepPrivate(folder);
  // dockerd refuses to start over a pid file whose pid is any living process.
  await rm(pidFile(), { force: true });
  // It would wait for a containerd that was killed and that its parent has not looked after yet.
  if (containerdPid() === undefined) await rm(containerdPidFile(), { force: true });
  // The machine's own daemon.json would contradict these flags.
  await writeFile(engineFolder("daemon.json"), "{}\n");
  const log = openSync(privateEngineLog(), "a", 0o600);
  fchmodSync(log, 0o600);
  const child = spawn(program, dockerdArguments(), {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: "/",
    env: {
      ...process.env,
      PATH: systemPath(),
      DOCKER_HOST: undefined,
      // A scenario may start the engine, and it must not end with that one.
      [WORKER_VARIABLE]: undefined,
    },
  });
  closeSync(log);
  let dead: string | undefined;
  child.once("error", (error) => (dead = error.message));
  child.once("exit", (code, by) => (dead = `it exited with ${by ?? code ?? "?"}`));
  try {
    await until("an answer", async () => dead !== undefined || (await answers()), {
      timeout: 30_000,
      every: 50,
      ...(signal && { signal }),
    });
    if (dead !== undefined) throw new Error(dead);
  } catch (error) {
    if (signal?.aborted === true) {
      throw new PvhError("PVH_ABORTED", "cancelled while the engine started", { cause: error });
    }
    throw new PvhError(
      "PVH_ENGINE_UNREACHABLE",
      `the private engine did not start: ${error instanceof Error ? error.message : String(error)}\n${await logTail()}`,
      { hint: `read ${privateEngineLog()}`, evidence: [privateEngineLog()], cause: error },
    );
  }
  child.removeAllListeners();
  child.unref();
}

/** Only the owner may enter: the socket gives root to its users, and the log names what is run. */
function keepPrivate(folder: string): void {
  makeFolder(folder, 0o700);
  chmodSync(folder, 0o700);
}

/**
 * @returns false when it has ended instead
 * @throws PvhError PVH_ENGINE_SILENT
 */
async function answersOrEnds(signal: AbortSignal | undefined): Promise<boolean> {
  const seconds = 30;
  const looked = await until(
    "the engine to answer",
    async () => ((await answers()) ? "answers" : runningPid() === undefined && "ended"),
    { timeout: seconds * 1_000, ...(signal && { signal }) },
  ).catch((error: unknown) => {
    if (signal?.aborted === true) throw error;
    throw silentEngine(privateEngineHost(), seconds);
  });
  return looked === "answers";
}

function dockerdArguments(): string[] {
  return [
    "--bridge=none",
    "--iptables=false",
    "--ip6tables=false",
    "--ip-forward=false",
    `--config-file=${engineFolder("daemon.json")}`,
    `--host=unix://${socketPath()}`,
    // The machine may have a group docker: its members are not meant.
    "--group=0",
    `--data-root=${engineFolder("data")}`,
    `--exec-root=${engineRunFolder("exec")}`,
    `--pidfile=${pidFile()}`,
  ];
}

/** Whether something accepts connections on the socket and talks HTTP. */
function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath());
    socket.setTimeout(2000, () => socket.destroy());
    socket.once("connect", () => socket.write("GET /_ping HTTP/1.0\r\n\r\n"));
    socket.once("data", (data) => {
      resolve(data.toString("latin1").includes(" 200 "));
      socket.destroy();
    });
    socket.on("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });
}

async function logTail(): Promise<string> {
  const log = await readFile(privateEngineLog(), "utf8").catch(() => "");
  return log.trimEnd().split("\n").slice(-5).join("\n");
}
