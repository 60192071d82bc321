import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { needRoot } from "../need-root.ts";
import { PROJECT } from "../image/sources.ts";

/**
 * Run the broker's robustness tests with `times` as many repetitions as usual.
 * @throws PvhError PVH_CAPABILITY without root
 * @throws the reason of the signal when it has ended them
 */
export async function soak(times: number, signal: AbortSignal): Promise<ExitCode> {
  needRoot("pvh bench --soak", "the tests start brokers", `pvh bench --soak ${times}`);
  const vitest = join(PROJECT, "node_modules/vitest/vitest.mjs");
  const args = [vitest, "run", "--project", "robust", "--no-file-parallelism"];
  const child = spawn(process.execPath, args, {
    cwd: PROJECT,
    stdio: "inherit",
    env: { ...process.env, PVH_SOAK: `${times}` },
  });
  const stop = () => child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  const [code] = (await once(child, "exit")) as [number | null];
  signal.removeEventListener("abort", stop);
  signal.throwIfAborted();
  return code === 0 ? EXIT.pass : EXIT.failed;
}
