import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ENDING } from "../ending.ts";
import { shellQuote } from "../shell-quote.ts";
import { until } from "../until.ts";

const here = (file: string): string => JSON.stringify(join(import.meta.dirname, file));

/** A program that ends as pvh does, and does what `onSignal` says when a signal comes. */
function program(onSignal: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "pvh-signals-")), "program.ts");
  writeFileSync(
    path,
    `import { appendFileSync } from "node:fs";
     import { endOnSignals } from ${here("ending-signals.ts")};
     import { watchOutput } from ${here("lost-output.ts")};
     watchOutput(process.stdout);
     watchOutput(process.stderr);
     const note = (text: string): void => appendFileSync(${JSON.stringify(`${path}.notes`)}, text);
     const signal = endOnSignals((text) => process.stderr.write(text + "\\n"));
     signal.addEventListener("abort", () => { ${onSignal} });
     setInterval(() => undefined, 1_000);
     note("ready;");`,
  );
  return path;
}

const notes = (path: string): string =>
  existsSync(`${path}.notes`) ? readFileSync(`${path}.notes`, "utf8") : "";

async function started(path: string, env: NodeJS.ProcessEnv = {}): Promise<ChildProcess> {
  const child = spawn(process.execPath, [path], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...env },
  });
  await until("the program", () => notes(path) === "ready;", { timeout: 20_000 });
  return child;
}

test.concurrent("one Ctrl+C that comes twice, from the terminal and from npm, is one", async () => {
  const path = program(`note("first;"); setTimeout(() => process.exit(7), 100);`);
  const child = await started(path);
  child.kill("SIGINT");
  await once(child.stderr ?? child, "data");
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([7, null]);
  expect(notes(path)).toBe("ready;first;");
});

test.concurrent("a second signal ends a command that does not end by itself", async () => {
  const child = await started(program(""));
  const exit = once(child, "exit");
  child.kill("SIGINT");
  await once(child.stderr ?? child, "data");
  const again = setInterval(() => child.kill("SIGTERM"), 50);
  expect(await exit).toEqual([143, null]);
  clearInterval(again);
});

test.concurrent("a command that never ends is ended within 10 s of the signal", async () => {
  const child = await started(program(""));
  const begun = performance.now();
  child.kill("SIGHUP");
  expect(await once(child, "exit")).toEqual([129, null]);
  expect(performance.now() - begun).toBeGreaterThan(ENDING.removal);
  expect(performance.now() - begun).toBeLessThan(10_000);
});

test.concurrent("after nohup a closed terminal is nothing to pvh", async () => {
  const path = program(`note(String(signal.reason)); process.exit(7);`);
  const child = await started(path, { PVH_NOHUP: "1" });
  child.kill("SIGHUP");
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([7, null]);
  expect(notes(path)).toBe("ready;SIGTERM");
});

test.concurrent("a terminal that is closed hinders nothing that is still to be done", async () => {
  const path = program(
    `process.on("exit", (code) => note("exit " + code));
     let words = 0;
     setInterval(() => {
       process.stdout.write("data\\n");
       process.stderr.write("words\\n");
       if ((words += 1) === 20) process.exit(129);
     }, 10);`,
  );
  const words = `${shellQuote(process.execPath)} ${shellQuote(path)}`;
  const terminal = spawn("script", ["--quiet", "--command", words, "/dev/null"], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  await until("the program", () => notes(path) === "ready;", { timeout: 20_000 });
  terminal.kill("SIGKILL");
  await until("its end", () => notes(path) === "ready;exit 129", { timeout: 20_000 });
});
