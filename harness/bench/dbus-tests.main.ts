import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { table } from "../cli/table.ts";
import { PROJECT } from "../image/sources.ts";
import { serveGraph } from "./ctrl-stub.ts";
import { Program } from "./program.ts";
import { STAND_IN } from "./stand-in.ts";

/**
 * freedesktop's own tests of a message bus (Debian package dbus-tests), directly and through a
 * link whose rules allow everything: `node harness/bench/dbus-tests.main.ts [test…]`. Needs root.
 *
 * The tests start the bus themselves, one per test, as DBUS_TEST_DAEMON says: here a script that
 * starts the real one in the provider's folder, waits for the broker's link to it and prints the
 * link's address instead.
 *
 * Exit 1 when a test has another result through the link, those apart that must have.
 */
const TESTS = "/usr/lib/dbus-1.0/installed-tests/dbus";
const DEFAULT = ["test-dbus-daemon", "test-dbus-daemon-eavesdrop", "test-monitor"];

/** Tests that no link can pass, and why. */
const APART: Readonly<Record<string, string>> = {
  "/creds": "the bus sees the broker's pid, the kernel lets nobody claim another",
  "/processid": "the bus sees the broker's pid, the kernel lets nobody claim another",
  "/unix-runtime-is-default": "asks for the bus's own address",
};

/** Of one test, in milliseconds. */
const TIMEOUT = 15_000;

const DAEMON = `#!/bin/sh
socket="$PVH_PROVIDER/$$.sock"
trap 'kill $daemon; rm -f "$socket"' TERM INT
for option do
  shift
  case "$option" in --address=*) ;; *) set -- "$@" "$option" ;; esac
done
/usr/bin/dbus-daemon "$@" --address="unix:path=$socket" >"$socket.address" &
daemon=$!
until [ -s "$socket.address" ]; do kill -0 $daemon || exit 1; sleep 0.01; done
kill -HUP "$PVH_BROKER"
until [ -S "$PVH_CONSUMER/$$.sock" ]; do kill -0 $daemon || exit 1; sleep 0.01; done
sed "s|$PVH_PROVIDER|$PVH_CONSUMER|" "$socket.address"
exec >&-
wait $daemon
rm -f "$socket"
kill -HUP "$PVH_BROKER"
`;

const RULES = [
  ...["see", "talk", "own", "call", "broadcast"].map((access) => ({ access, name: "*" })),
  { access: "call", name: "*", interface: "org.freedesktop.DBus.Monitoring" },
];
const FDS = ["memfd", "dmabuf", "socket", "pipe", "file", "device", "eventfd"];

async function main(programs: readonly string[]): Promise<number> {
  if (!existsSync(TESTS)) {
    process.stderr.write("apt-get install -y --no-install-recommends dbus-tests\n");
    return 3;
  }
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "pvh-dbus-tests-"));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const { signal } = new AbortController();
  const start = async (name: string, command: readonly [string, ...string[]]) => {
    const log = join(folder, `${name}.log`);
    return stack.use(await Program.start(command, { name, log, cwd: folder }));
  };
  const standIn = async (name: string) => {
    mkdirSync(join(folder, name));
    const program = await start(name, ["unshare", "--mount", "sh", "-ec", STAND_IN, "sh", name]);
    await program.ready(() => program.output.includes("ready"), signal);
    return program.pid;
  };
  const pids = { consumer: await standIn("consumer"), provider: await standIn("provider") };
  const provider = join(folder, "provider");
  const ctrl = join(folder, "pv-ctrl");
  stack.use(await serveGraph(ctrl, () => graph(provider, pids)));
  const entry = join(PROJECT, "broker/xconnect/pv-xconnect.main.ts");
  const broker = await start("broker", [process.execPath, entry, "--ctrl", ctrl]);
  await broker.ready(() => broker.output.includes("Connected to pv-ctrl"), signal);
  const daemon = join(folder, "daemon");
  writeFileSync(daemon, DAEMON, { mode: 0o755 });
  const linked = {
    DBUS_TEST_DAEMON: daemon,
    PVH_PROVIDER: provider,
    PVH_CONSUMER: join(folder, "consumer"),
    PVH_BROKER: `${broker.pid}`,
  };

  let differences = 0;
  for (const program of programs) {
    const direct = await run(program, {});
    const through = await run(program, linked);
    const rows = [...direct].map(([name, result]) => {
      const other = through.get(name) ?? "not run";
      if (result === other) return [name, result, other, ""];
      const reason = APART[name];
      if (reason === undefined) differences += 1;
      return [name, result, other, reason ?? "<-- differs"];
    });
    process.stdout.write(`${table([program, "direct", "through a link", ""], rows)}\n\n`);
  }
  return differences === 0 ? 0 : 1;
}

/** One link for each bus that there is. */
function graph(provider: string, pids: { consumer: number; provider: number }): unknown[] {
  return readdirSync(provider)
    .filter((name) => name.endsWith(".sock"))
    .map((name) => ({
      consumer: "tests",
      consumer_pid: pids.consumer,
      provider: "bus",
      provider_pid: pids.provider,
      name: name.replace(".sock", ""),
      type: "dbus",
      role: "root",
      target: `/run/${name}`,
      socket: `/run/${name}`,
      rules: [RULES],
      fds: FDS,
    }));
}

/**
 * Each test of a program by itself, so that one that ends the program costs no other.
 * @returns by test: `ok`, `ok # SKIP …`, `not ok` or how the program ended
 */
async function run(
  program: string,
  environment: Readonly<Record<string, string>>,
): Promise<Map<string, string>> {
  const data = join(TESTS, "data");
  const env = { ...process.env, DBUS_TEST_DATA: data, DBUS_TEST_EXEC: TESTS, ...environment };
  const results = new Map<string, string>();
  for (const name of (await output(program, ["-l"], env)).matchAll(/^\/.*$/gm)) {
    const text = await output(program, ["--tap", "-p", name[0]], env);
    const line = /^(ok|not ok) \d+ \S+(.*)$/m.exec(text);
    results.set(name[0], line === null ? "ended" : `${line[1] ?? ""}${line[2] ?? ""}`.slice(0, 30));
  }
  return results;
}

async function output(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const child = spawn(join(TESTS, program), args, {
    env,
    stdio: ["ignore", "pipe", "ignore"],
    timeout: TIMEOUT,
    killSignal: "SIGKILL",
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(child, "exit");
  return text;
}

const wanted = process.argv.slice(2);
process.exit(await main(wanted.length === 0 ? DEFAULT : wanted));
