import { writeSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Outcome } from "./lifecycle/revision.ts";
import { quirksOf } from "../shared/quirks/quirks.ts";
import { CONFIG_FILE, readConfig } from "./appengine-config.ts";
import { CRASHED, CrashReport, crashOnStrayErrors } from "./crash-report.ts";
import type { Pantavisor } from "./pantavisor.ts";
import { TrialError, runPantavisor } from "./pantavisor.ts";

/**
 * pantavisor in appengine mode. Exit codes tell pv-appengine how to go on (docs/pantavisor.md
 * §2.3):
 * 0 reboot, 3 poweroff, from 128 on a crash, anything else a start that failed.
 */
const POWEROFF = 3;

let running: Pantavisor | undefined;
let asked: Outcome | undefined;
const shutDown = (outcome: Outcome) => {
  asked ??= outcome;
  running?.shutDown(outcome);
};
// In appengine mode SIGTERM is a reboot, SIGINT a poweroff (docs/pantavisor.md §2.3).
// A signal that comes while pantavisor still starts is obeyed as soon as it has started.
process.on("SIGTERM", () => shutDown("reboot"));
process.on("SIGINT", () => shutDown("poweroff"));

// Node would open its debugger on the loopback interface, which all containers share.
process.on("SIGUSR1", () => undefined);

const crash = new CrashReport((text) => writeSync(2, text));
crashOnStrayErrors(crash);

async function start(): Promise<Pantavisor> {
  const { values } = parseArgs({
    options: {
      config: { type: "string", default: CONFIG_FILE },
      cmdline: { type: "string", default: "" },
    },
  });
  const quirks = quirksOf(process.env);
  const pantavisor = await runPantavisor({
    config: readConfig(values.config, process.env, values.cmdline),
    revision: /(?:^| )pv_rev=(\S+)/.exec(values.cmdline)?.[1] ?? "0",
    trial: /(?:^| )pv_try=\S/.test(values.cmdline),
    environment: process.env,
    quirks,
    onLog: (log) => crash.writeTo(log),
  });
  // Before any container can have been started, so that READY is never reached.
  if (quirks.has("crash-loop")) process.kill(process.pid, "SIGKILL");
  return pantavisor;
}

async function run(): Promise<never> {
  try {
    running = await start();
  } catch (error) {
    process.stderr.write(`pantavisor: ${(error as Error).message}\n`);
    // A trial that cannot be read is over with the reboot; for any other revision there is none.
    process.exit(error instanceof TrialError ? 0 : 1);
  }
  try {
    if (asked !== undefined) running.shutDown(asked);
    const outcome = await running.ended;
    process.exit(outcome === "poweroff" ? POWEROFF : 0);
  } catch (error) {
    crash.tell(error);
    process.exit(CRASHED);
  }
}

void run();
