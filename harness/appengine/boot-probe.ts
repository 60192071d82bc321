import { isOfHostedBus } from "../../broker/shared/formats/hosted-bus.ts";
import type { ControlClient } from "../control/control-client.ts";
import { revisionOf } from "../control/device-meta.ts";
import { REASON_LINES } from "./boot-failure.ts";
import type { AppengineShell } from "./appengine-shell.ts";
import type { CommandResult } from "./command-result.ts";
import { CONTROL_SOCKET, EXPORTS_FOLDER, LOG_ROOT, STORAGE } from "./layout.ts";
import { shellQuote } from "../shell-quote.ts";
import type { Stage } from "./boot-stages.ts";

// Each look costs the machine that boots: a stage looks only at what it waits for.
const DEPLOYED = `[ -e ${STORAGE}/.pvtx-done ] && echo deployed && ${findLate()}; :`;
const LOGGING = `set -- ${LOG_ROOT}/*/pantavisor/pantavisor.log; [ -e "$1" ]`;
const SOCKET = `[ -S ${CONTROL_SOCKET} ]`;
const READY = `grep -a -h "status is now READY" ${LOG_ROOT}/*/pantavisor/pantavisor.log 2>/dev/null | grep -a -m1 "state revision"; :`;

/** The engine's kernel sets a file's change time; anybody can set its modification time. */
function findLate(): string {
  return `find ${EXPORTS_FOLDER} -type f -cnewer ${STORAGE}/.pvtx-done 2>/dev/null | sed -n '1s|.*/|late |p'`;
}

/** @returns whether exports were deployed, which happens once per volume, and one newer than that */
export async function deployment(
  shell: AppengineShell,
  signal: AbortSignal,
): Promise<{ readonly deployed: boolean; readonly late: string | undefined }> {
  const lines = (await look(shell, DEPLOYED, signal)).stdout.split("\n");
  return {
    deployed: lines.includes("deployed"),
    late: lines.find((line) => line.startsWith("late "))?.slice("late ".length),
  };
}

async function holds(shell: AppengineShell, test: string, signal: AbortSignal): Promise<boolean> {
  return (await look(shell, test, signal)).exitCode === 0;
}

function look(shell: AppengineShell, script: string, signal: AbortSignal): Promise<CommandResult> {
  return shell.sh(script, { signal, timeout: 5_000, untold: true });
}

/** The lines of pantavisor.log, and of LXC's logs of the revision that runs, that may explain a failed boot. */
export async function reasonLines(shell: AppengineShell, signal: AbortSignal): Promise<string> {
  const script = `tail -q -c 262144 ${LOG_ROOT}/*/pantavisor/pantavisor.log 2>/dev/null | grep -a -E ${shellQuote(REASON_LINES)} | tail -n 20
grep -a -h -s -m 1 -F 'Failed to exec "' ${LOG_ROOT}/current/*/lxc/lxc.log | head -n 20; :`;
  return (await look(shell, script, signal)).stdout;
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
  let missing: readonly string[] = [];
  const stage = (name: keyof typeof DEADLINES, wait: string, probe: Stage["probe"]): Stage => ({
    name,
    deadline: DEADLINES[name] * scale,
    probe,
    missing: () => [wait, ...missing].join(" "),
  });
  /** The probe of a stage that lists what is not there yet. */
  const listing = (look: () => Promise<Found>) => async (): Promise<string | undefined> => {
    const { found, waiting } = await look();
    missing = waiting;
    return waiting.length === 0 ? found : undefined;
  };
  return [
    stage("storage", `pvtx has not deployed the exports (no ${STORAGE}/.pvtx-done)`, async () => {
      const { deployed, late } = await deployment(shell, signal);
      return deployed && late === undefined;
    }),
    stage("pantavisor", "it has written no pantavisor.log", () => holds(shell, LOGGING, signal)),
    stage("pv-ctrl", `${CONTROL_SOCKET} does not answer`, async () => {
      if (!(await holds(shell, SOCKET, signal))) return undefined;
      return (await control.send("GET", "/buildinfo", { signal, timeout: 2_000 })).status === 200;
    }),
    stage("revision", "/device-meta names none", async () =>
      revisionOf(await control.json("/device-meta", signal)),
    ),
    stage(
      "containers",
      "not at their goals:",
      listing(() => containersAtGoal(control, signal)),
    ),
    stage("ready", "pantavisor.log does not say 'status is now READY'", async () => {
      const { stdout } = await look(shell, READY, signal);
      return /state revision.*/.exec(stdout)?.[0];
    }),
    // READY is reached without it; whether links work is what scenarios judge.
    {
      ...stage(
        "links",
        "not planted:",
        listing(() => linksPlanted(shell, control, signal)),
      ),
      optional: true,
    },
  ];
}

/** Finding of a stage, in words, and the things that it waits for. */
interface Found {
  readonly found: string;
  readonly waiting: readonly string[];
}

/**
 * Every container whose goal is STARTED or READY is there, or was there and has crashed since
 * (RECOVERING): examples of auto-recovery crash while the others still start.
 */
async function containersAtGoal(control: ControlClient, signal: AbortSignal): Promise<Found> {
  const containers = await control.containers(signal);
  const waiting = containers.filter(
    ({ status, status_goal: goal }) =>
      goal !== "MOUNTED" && status !== goal && !["STARTED", "READY", "RECOVERING"].includes(status),
  );
  return {
    found: `${containers.length} at their goals`,
    waiting: waiting.map(
      ({ name, status, status_goal: goal }) => `${name} (${status}, goal ${goal})`,
    ),
  };
}

/** Every link whose two peers run has its socket or node in the consumer. */
async function linksPlanted(
  shell: AppengineShell,
  control: ControlClient,
  signal: AbortSignal,
): Promise<Found> {
  const graph = await control.graph(signal);
  const links = graph.filter(
    (link) =>
      link.consumer_pid > 0 &&
      (link.provider_pid > 0 || isOfHostedBus(link)) &&
      link.target !== null,
  );
  const looks = links.map(({ consumer_pid: pid, target }, at) => {
    const path = shellQuote(`/proc/${pid}/root${target ?? ""}`);
    return `[ -e ${path} ] || [ -L ${path} ] || echo ${at}`;
  });
  const { stdout } = await shell.sh([...looks, ":"].join("\n"), { signal, untold: true });
  const missing = stdout.split("\n").filter((line) => line !== "");
  return {
    found: `${links.length} planted`,
    waiting: missing.map((at) => {
      const link = links[Number(at)];
      return `${link?.target ?? ""} in ${link?.consumer ?? ""}`;
    }),
  };
}
