import "../lean-http.ts";
import { after, ENDING } from "../ending.ts";
import { PvhError } from "../errors.ts";
import { endOnSignals } from "./ending-signals.ts";
import { watchOutput } from "./lost-output.ts";
import { processOutput } from "./output.ts";
import { removeOwn } from "./remove-own.ts";

const signal = endOnSignals((text) => processOutput.say(text));
const removal = after(signal, ENDING.removal);
const lastLook = after(signal, ENDING.lastLook);
// Do not wait for the command to end: it may be stuck, or starved on a busy machine.
after(signal, ENDING.evidence).addEventListener("abort", () => void removeOwn(removal));
watchOutput(process.stderr);
const whyLost = watchOutput(process.stdout);

const { runProgram } = await import("./program.ts");
const { describeError } = await import("./report-error.ts");
process.on("uncaughtException", fail);
try {
  const exitCode = await runProgram(process.argv.slice(2), processOutput, signal);
  await endWithSignal();
  const lost = await whyLost();
  if (lost !== undefined && exitCode === 0) {
    throw new PvhError("PVH_NO_SPACE", `stdout cannot be written: ${lost.message}`);
  }
  process.exit(exitCode);
} catch (error) {
  await endWithSignal();
  fail(error);
}

/** Removes what was still being created when the signal came, or was created after it. */
async function endWithSignal(): Promise<void> {
  if (!signal.aborted) return;
  const left = await removeOwn(lastLook);
  if (left === undefined) return;
  processOutput.say(`left on the engine: ${left}\n  -> the next pvh removes it`);
}

function fail(error: unknown): never {
  const { exitCode, text } = describeError(error, signal.reason);
  processOutput.say(text);
  process.exit(exitCode);
}
