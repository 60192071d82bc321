import { describe, expect, it } from "vitest";
import { ownLog } from "./own-log.ts";
import { afterExit, supervise } from "./supervisor.ts";

it.each([
  [0, null, false, "again"],
  [3, null, false, "leave 0"],
  [0, null, true, "leave 0"],
  [null, "SIGTERM", true, "leave 0"],
  [null, "SIGSEGV", false, "again"],
  [139, null, false, "again"],
  [1, null, false, "leave 1"],
  [127, null, false, "leave 127"],
])("after code %s, signal %s, shutdown %s: %s", (code, signal, forwarded, expected) => {
  const next = afterExit(code, signal, forwarded);
  expect(next.kind === "leave" ? `leave ${next.code}` : next.kind).toBe(expected);
});

describe("supervise", () => {
  function run(script: string, shutdown: AbortSignal, onLine: (line: string) => void) {
    const children = new Set<number>();
    const ended = supervise({
      nextLaunch: () => ({ command: ["/bin/sh", "-c", script], revision: "0" }),
      environment: process.env,
      delaySeconds: 0,
      log: ownLog(onLine, onLine, () => 1795388553.9),
      shutdown,
      children,
    });
    return { ended, children };
  }

  it("launches again after a reboot until it fails, in pv-appengine's own words", async () => {
    const lines: string[] = [];
    const stop = new AbortController();
    let launches = 0;
    const { ended, children } = run("exit 0", stop.signal, (line) => {
      lines.push(line);
      if (line.includes("launching")) launches += 1;
      if (launches === 3) stop.abort("SIGTERM");
    });
    expect(await ended).toBe(0);
    expect(children.size).toBe(0);
    expect(lines.slice(0, 3)).toEqual([
      "[pvtest] 1795388553 INFO -- [pv-appengine]: launching pantavisor rev=0\n",
      "[pvtest] 1795388553 DEBUG -- [pv-appengine]: pantavisor exited\n",
      "[pvtest] 1795388553 DEBUG -- [pv-appengine]: restarting in 0 seconds...\n",
    ]);
  });

  it("passes the signal on and leaves with 0 when pantavisor has obeyed", async () => {
    const stop = new AbortController();
    const { ended, children } = run(
      "trap 'exit 0' TERM; kill -TERM $$; exit 9",
      stop.signal,
      (line) => {
        if (line.includes("exited")) stop.abort("SIGTERM");
      },
    );
    expect(children.size).toBe(1);
    expect(await ended).toBe(0);
  });

  it("ends with pantavisor's status when that fails", async () => {
    const { ended } = run("exit 4", new AbortController().signal, () => undefined);
    expect(await ended).toBe(4);
  });
});
