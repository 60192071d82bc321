import { enableCompileCache } from "node:module";
import { compileCacheFolder } from "../engine/folders.ts";
import { PvhError } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { watchOutput } from "./lost-output.ts";
import { processOutput } from "./output.ts";

// Half of a short command's time is compiling modules. Workers find the cache by the environment.
const compiled = compileCacheFolder();
if (compiled !== undefined) {
  enableCompileCache(compiled);
  process.env["NODE_COMPILE_CACHE"] = compiled;
}

const controller = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    const exitCode = signal === "SIGINT" ? EXIT.sigint : EXIT.sigterm;
    if (controller.signal.aborted) process.exit(exitCode);
    processOutput.say(`\n${signal}: keeping evidence and cleaning up; once more ends at once`);
    controller.abort(signal);
  });
}
watchOutput(process.stderr);
const whyLost = watchOutput(process.stdout);

const { runProgram } = await import("./program.ts");
const { describeError } = await import("./report-error.ts");
process.on("uncaughtException", fail);
try {
  const exitCode = await runProgram(process.argv.slice(2), processOutput, controller.signal);
  const lost = await whyLost();
  if (lost !== undefined && exitCode === EXIT.pass) {
    throw new PvhError("PVH_NO_SPACE", `stdout cannot be written: ${lost.message}`);
  }
  process.exit(exitCode);
} catch (error) {
  fail(error);
}

function fail(error: unknown): never {
  const { exitCode, text } = describeError(error, controller.signal.reason);
  processOutput.say(text);
  process.exit(exitCode);
}
