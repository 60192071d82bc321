import * as z from "zod";
import type { ControlClient } from "../control/control-client.ts";
import { REASON_LINES } from "./boot-failure.ts";
import type { AppengineShell } from "./appengine-shell.ts";
import { CONTROL_SOCKET, EXPORTS_FOLDER, LOG_ROOT, STORAGE } from "./layout.ts";
import { shellQuote } from "../shell-quote.ts";
import type { Stage } from "./boot-stages.ts";

/** Files that boot leaves behind, looked at in one go. */
export interface Footprints {
  readonly deployed: boolean;
  /** Name of an export that is newer than the deployment, which happens once per volume. */
  readonly late: string | undefined;
  readonly logging: boolean;
  readonly socket: boolean;
  /** The READY line, once it is there. */
  readonly ready: string | undefined;
}

// The engine's kernel sets a file's change time; anybody can set its modification time.
const LOOK = [
  `[ -e ${STORAGE}/.pvtx-done ] && echo deployed && find ${EXPORTS_FOLDER} -type f -cnewer ${STORAGE}/.pvtx-done 2>/dev/null | sed -n '1s|.*/|late |p'`,
  `set -- ${LOG_ROOT}/*/pantavisor/pantavisor.log; [ -e "$1" ] && echo logging`,
  `[ -S ${CONTROL_SOCKET} ] && echo socket`,
  `grep -a -h "status is now READY" "$@" 2>/dev/null | grep -a -m1 "state revision"`,
  ":",
].join("\n");

export async function footprints(shell: AppengineShell, signal: AbortSignal): Promise<Footprints> {
  const { stdout } = await shell.sh(LOOK, { signal, timeout: 5_000 });
  const lines = stdout.split("\n");
  return {
    deployed: lines.includes("deployed"),
    late: lines.find((line) => line.startsWith("late "))?.slice("late ".length),
    logging: lines.includes("logging"),
    socket: lines.includes("socket"),
    ready: lines.find((line) => line.includes("state revision")),
  };
}

/** The lines of pantavisor.log that may explain a failed boot. */
export async function reasonLines(shell: AppengineShell, signal: AbortSignal): Promise<string> {
  const script = `tail -q -c 262144 ${LOG_ROOT}/*/pantavisor/pantavisor.log 2>/dev/null | grep -a -E ${shellQuote(REASON_LINES)} | tail -n 20; :`;
  return (await shell.sh(script, { signal, timeout: 5_000 })).stdout;
}

/** Milliseconds per stage: a real appengine with 19 containers needs 19 s in all. */
const DEADLINES = {
  storage: 60_000,
  pantavisor: 30_000,
  "pv-ctrl": 30_000,
  revision: 30_000,
  containers: 90_000,
  ready: 60_000,
  // The real broker polls every 5 s.
  links: 8_000,
} as const;

/** The stages from a started container to a mesh in working order. */
export function stagesOfBoot(
  shell: AppengineShell,
  control: ControlClient,
  scale: number,
  signal: AbortSignal,
): Stage[] {
  const stage = (name: keyof typeof DEADLINES, probe: Stage["probe"]): Stage => ({
    name,
    deadline: DEADLINES[name] * scale,
    probe,
  });
  return [
    stage("storage", async () => {
      const { deployed, late } = await footprints(shell, signal);
      return deployed && late === undefined;
    }),
    stage("pantavisor", async () => (await footprints(shell, signal)).logging),
    stage("pv-ctrl", async () => {
      if (!(await footprints(shell, signal)).socket) return undefined;
      return (await control.send("GET", "/buildinfo", { signal, timeout: 2_000 })).status === 200;
    }),
    stage("revision", async () => revisionOf(await control.json("/device-meta", signal))),
    stage("containers", () => containersAtGoal(control, signal)),
    stage("ready", async () => {
      const { ready } = await footprints(shell, signal);
      return ready?.replace(/^.*state revision/, "state revision");
    }),
    // READY is reached without it; whether links work is what scenarios judge.
    { ...stage("links", () => linksPlanted(shell, control, signal)), optional: true },
  ];
}

const deviceMeta = z.object({ "pantavisor.revision": z.string() });

function revisionOf(meta: unknown): string | undefined {
  const parsed = deviceMeta.safeParse(meta);
  return parsed.success ? parsed.data["pantavisor.revision"] : undefined;
}

/**
 * Every container whose goal is STARTED or READY is there, or was there and has crashed since
 * (RECOVERING): examples of auto-recovery crash while the others still start.
 */
async function containersAtGoal(
  control: ControlClient,
  signal: AbortSignal,
): Promise<string | undefined> {
  const containers = await control.containers(signal);
  const waiting = containers.filter(
    ({ status, status_goal: goal }) =>
      goal !== "MOUNTED" && status !== goal && !["STARTED", "READY", "RECOVERING"].includes(status),
  );
  return waiting.length === 0 ? `${containers.length} at their goals` : undefined;
}

/** Every link whose two peers run has its socket or node in the consumer. */
async function linksPlanted(
  shell: AppengineShell,
  control: ControlClient,
  signal: AbortSignal,
): Promise<string | undefined> {
  const graph = await control.graph(signal);
  const targets = graph
    .filter((link) => link.consumer_pid > 0 && link.provider_pid > 0 && link.target !== null)
    .map((link) => `/proc/${link.consumer_pid}/root${link.target ?? ""}`);
  const script = targets.map((path) => `ls -d ${shellQuote(path)}`).join(" && ");
  const { exitCode } = await shell.sh(script === "" ? ":" : `{ ${script}; } >/dev/null 2>&1`, {
    signal,
  });
  return exitCode === 0 ? `${targets.length} planted` : undefined;
}
