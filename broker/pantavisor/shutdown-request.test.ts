import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, it } from "vitest";

const PROGRAM = join(import.meta.dirname, "shutdown-request.main.fixture.ts");

it.skipIf(process.getuid?.() !== 0).each([
  ["SIGTERM", "SIGTERM"],
  ["SIGINT", "SIGINT"],
  // Other signals are not taken for a shutdown request.
  ["SIGWINCH", "nothing"],
] as const)(
  "of PID 1, %s while it starts is heard as %s (needs root)",
  async (signal, expected) => {
    const namespace = ["--pid", "--fork", "--mount-proc", "--kill-child"];
    const child = spawn("unshare", [...namespace, process.execPath, PROGRAM], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = createInterface({ input: child.stdout });
    const heard: string[] = [];
    lines.on("line", (line) => {
      heard.push(line);
      if (line === "starting") process.kill(childOf(child.pid ?? 0), signal);
    });
    await once(child, "close");
    expect(heard).toEqual(["starting", expected]);
  },
);

/** The first process of the namespace. */
function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1"));
}
