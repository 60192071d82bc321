import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { cacheFolder } from "../engine/folders.ts";
import { EXIT } from "../exit-codes.ts";
import { processOutput } from "./output.ts";

// Half of a short command's time is compiling modules. Workers find the cache by the environment.
const compiled = join(cacheFolder(), "node");
enableCompileCache(compiled);
process.env["NODE_COMPILE_CACHE"] = compiled;

const controller = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    const exitCode = signal === "SIGINT" ? EXIT.sigint : EXIT.sigterm;
    if (controller.signal.aborted) process.exit(exitCode);
    processOutput.say(`\n${signal}: keeping evidence and cleaning up; once more ends at once`);
    controller.abort(signal);
  });
}
// A reader that goes away (pvh ls | head) is no error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? EXIT.pass : EXIT.bug);
});

const { runProgram } = await import("./program.ts");
try {
  process.exit(await runProgram(process.argv.slice(2), processOutput, controller.signal));
} catch (error) {
  const { describeError } = await import("./report-error.ts");
  const { exitCode, text } = describeError(error, controller.signal.reason);
  processOutput.say(text);
  process.exit(exitCode);
}
