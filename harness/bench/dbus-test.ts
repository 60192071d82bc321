import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** Folder in which Debian's package dbus-tests has the test programs. */
export const TESTS = "/usr/lib/dbus-1.0/installed-tests/dbus";

/** Time limit of one test in milliseconds. */
const TIMEOUT = 30_000;

/** How a test is run. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string>>;
  /** The account, also as its group; root when absent. */
  readonly uid?: number;
}

/** Result of one test. */
export interface Result {
  /** `ok`, `skipped`, `not ok`, `timed out` or how its program ended. */
  readonly result: string;
  /** Reason that the program printed; "" when the test passed. */
  readonly why: string;
}

/** The names of a program's tests. */
export async function testsOf(program: string): Promise<string[]> {
  const { text } = await run(program, ["-l"], { environment: {} });
  return [...text.matchAll(/^\/.*$/gm)].map(([name]) => name);
}

/** Runs one test in a process of its own, so that a crash does not cost the other tests. */
export async function runTest(
  program: string,
  name: string,
  surroundings: Surroundings,
): Promise<Result> {
  const { text, end } = await run(program, ["--tap", "-p", name], surroundings);
  const [, result = "", why = ""] =
    /^(ok|not ok) \d+ \S+(?: (?:# SKIP|-)? ?(.*))?$/m.exec(text) ?? [];
  if (result === "ok") return { result: why === "" ? "ok" : "skipped", why };
  const [, bail = why] = /^Bail out! (.*)$/m.exec(text) ?? [];
  return { result: end === "exit 1" && result !== "" ? result : end, why: bail };
}

/** Ends everything that the program started: the bus of a test that hangs would stay. */
async function run(
  program: string,
  args: readonly string[],
  { environment, uid = 0 }: Surroundings,
): Promise<{ text: string; end: string }> {
  const child = spawn(join(TESTS, program), args, {
    env: {
      ...process.env,
      DBUS_TEST_DATA: join(TESTS, "data"),
      DBUS_TEST_EXEC: TESTS,
      ...environment,
    },
    stdio: ["ignore", "pipe", "ignore"],
    uid,
    gid: uid,
    detached: true,
  });
  const late = AbortSignal.timeout(TIMEOUT);
  const endAll = () => endGroup(child.pid);
  late.addEventListener("abort", endAll);
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const closed = once(child, "close");
  await once(child, "exit");
  late.removeEventListener("abort", endAll);
  endAll();
  await closed;
  const end = late.aborted ? "timed out" : (child.signalCode ?? `exit ${child.exitCode ?? ""}`);
  return { text, end };
}

function endGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // All have ended.
  }
}
