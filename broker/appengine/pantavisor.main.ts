import { parseArgs } from "node:util";
import { parseQuirks } from "../quirks/quirks.ts";
import { CONFIG_FILE, readConfig } from "./appengine-config.ts";
import { TrialError, runPantavisor } from "./pantavisor.ts";

/**
 * pantavisor in appengine mode. Exit codes tell pv-appengine what follows
 * (docs/pantavisor.md §2.3): 0 reboot, 3 poweroff, anything else a failure.
 */
const POWEROFF = 3;

try {
  const { values } = parseArgs({
    options: {
      config: { type: "string", default: CONFIG_FILE },
      cmdline: { type: "string", default: "" },
    },
  });
  const quirks = parseQuirks(process.env["PVH_QUIRKS"]);
  const pantavisor = await runPantavisor({
    config: readConfig(values.config, process.env),
    revision: /(?:^| )pv_rev=(\S+)/.exec(values.cmdline)?.[1] ?? "0",
    trial: /(?:^| )pv_try=\S/.test(values.cmdline),
    environment: process.env,
    quirks,
  });
  // Before any container can have been started, so that READY is never reached.
  if (quirks.has("crash-loop")) process.kill(process.pid, "SIGKILL");
  // In appengine mode SIGTERM is a reboot, SIGINT a poweroff (docs/pantavisor.md §2.3).
  process.on("SIGTERM", () => pantavisor.shutDown("reboot"));
  process.on("SIGINT", () => pantavisor.shutDown("poweroff"));
  const outcome = await pantavisor.ended;
  process.exit(outcome === "poweroff" ? POWEROFF : 0);
} catch (error) {
  process.stderr.write(`pantavisor: ${(error as Error).message}\n`);
  // A trial that cannot be read is over with the reboot; for any other revision there is none.
  process.exit(error instanceof TrialError ? 0 : 1);
}
