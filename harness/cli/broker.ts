import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { PvhError } from "../errors.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { shellWord } from "../../reports/shell-word.ts";
import { needRoot } from "../need-root.ts";
import { MODULE, ROOT } from "../root.ts";
import type { Call } from "./command.ts";
import { quirkList } from "./parse-value.ts";

/**
 * `pvh broker`: run the reference broker alone on this machine until a signal ends it. Its output
 * lines are the command's data.
 *
 * @throws PvhError PVH_CAPABILITY without root: entering containers takes it
 */
export async function brokerCommand({ args, signal }: Call): Promise<ExitCode> {
  const ctrl = args.text("ctrl");
  if (ctrl === undefined) {
    throw new PvhError("PVH_USAGE", "pvh broker needs --ctrl, the pv-ctrl socket of a pantavisor");
  }
  const quirks = quirkList(args);
  needRoot("pvh broker", "the broker enters containers", `pvh broker --ctrl ${shellWord(ctrl)}`);
  const program = join(ROOT, `broker/xconnect/pv-xconnect.main${MODULE}`);
  const child = spawn(process.execPath, [program, "--ctrl", ctrl], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, PVH_QUIRKS: quirks.join(",") },
  });
  const stop = () => child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  try {
    if (signal.aborted) stop();
    const [code] = (await once(child, "exit")) as [number | null];
    // A broker that has only just begun ends by the signal itself.
    return code === 0 || (code === null && signal.aborted) ? EXIT.pass : EXIT.infra;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
