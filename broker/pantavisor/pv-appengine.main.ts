import { writeSync } from "node:fs";
import { join } from "node:path";
import { reapOrphans } from "../shared/linux/orphans.ts";
import { parseTimeScale } from "./lifecycle/clock.ts";
import { quirksOf } from "../shared/quirks/quirks.ts";
import { CONFIG_FILE, readConfig } from "./appengine-config.ts";
import { USAGE, parseOptions } from "./appengine-options.ts";
import { prepareBoot } from "./boot-preparation.ts";
import { nextBoot } from "./storage/boot-environment.ts";
import { firstBoot, initialRevisionOf } from "./first-boot.ts";
import { ownLog } from "./own-log.ts";
import { transactionFolder } from "./storage/pvtx/transaction.ts";
import { shutdownRequest } from "./shutdown-request.ts";
import { UsualPaths } from "./usual-paths.ts";
import { supervise } from "./supervisor.ts";

/**
 * pv-appengine: prepare the container and its storage, then keep pantavisor running. It is the
 * image's entry point and so usually PID 1.
 */
const REAP_INTERVAL = 1000;
const EXPORTS = ["/usr/lib/pantavisor/pvtx.d", "/usr/lib/pantavisor/pvtx.extra.d"];

const log = ownLog(
  (text) => write(1, text),
  (text) => write(2, text),
  () => Date.now() / 1000,
);

/** A reader that is slow or gone costs the line, not the appengine. */
function write(fd: number, text: string): void {
  try {
    writeSync(fd, text);
  } catch {
    // EAGAIN, EPIPE: there is nowhere to tell it.
  }
}

// Heard from the very first: a shutdown that is asked for while it starts is obeyed.
const heard = shutdownRequest();
// Node would open its debugger on the loopback interface, which all containers share.
process.on("SIGUSR1", () => undefined);

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const environment = { ...process.env, ...options.environment };
  const config = readConfig(CONFIG_FILE, environment);
  const quirks = quirksOf(environment);
  // `stop-ignored`: signals are heard and nothing follows.
  const shutdown = quirks.has("stop-ignored") ? new AbortController().signal : heard;
  const children = new Set<number>();
  if (process.pid === 1) setInterval(() => reapOrphans(children), REAP_INTERVAL).unref();
  prepareBoot((message) => log.warn(message));
  try {
    new UsualPaths(config, quirks).makeOfAppengine();
  } catch (error) {
    log.warn(`usual paths: ${(error as Error).message}`);
  }
  await firstBoot({
    storage: config.storage,
    exports: EXPORTS,
    initialRevision: initialRevisionOf(environment, quirks),
    transactionFolder: transactionFolder(environment),
    log,
    quirks,
  });
  const bootFile = join(config.storage, "boot/uboot.txt");
  return supervise({
    nextLaunch() {
      const { revision, trial } = nextBoot(bootFile);
      const cmdline = `pv_rev=${revision} pv_try=${trial ? revision : ""} ${options.cmdline}`;
      return {
        command: ["/usr/bin/pantavisor", "--config", CONFIG_FILE, "--cmdline", cmdline],
        revision,
      };
    },
    environment,
    delaySeconds: options.delaySeconds / parseTimeScale(environment["PVH_TIME_SCALE"]),
    log,
    shutdown,
    children,
  });
}

void main(process.argv.slice(2))
  .catch((error: unknown) => {
    log.error((error as Error).message);
    return 1;
  })
  .then((exitCode) => process.exit(exitCode));
