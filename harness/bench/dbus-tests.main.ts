import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { rmSync, statSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { table } from "../../reports/table.ts";
import { PROJECT } from "../image/sources.ts";
import { serveGraph } from "./ctrl-stub.ts";
import { TESTS, runTest, testsOf } from "./dbus-test.ts";
import type { Result, Surroundings } from "./dbus-test.ts";
import { Program } from "./program.ts";
import { STAND_IN } from "./stand-in.ts";

/**
 * freedesktop's own tests of a message bus (Debian package dbus-tests), directly and through a
 * link whose rules allow everything: `node harness/bench/dbus-tests.main.ts [program…]`. Needs
 * root. Tests that are skipped for root run a second time as nobody.
 *
 * The tests start the bus themselves, one per test, as DBUS_TEST_DAEMON says: here a script that
 * becomes the real one, in the provider's folder, and prints the link's address once there is one.
 *
 * Exit 1 when a test has another result through the link, unless APART names it.
 */
const DEFAULT = ["test-dbus-daemon", "test-dbus-daemon-eavesdrop", "test-monitor"];

/**
 * Tests that no link can pass, with the assertion that fails: they compare the pid that the bus
 * sees with their own. The bus reads it from SO_PEERCRED, which names the process that called
 * connect (unix(7)), and that is the broker.
 */
const APART: Readonly<Record<string, RegExp>> = {
  "/creds": /u32 == getpid \(\)/,
  "/processid": /pid == getpid \(\)/,
};
const WHY_APART = "the bus sees the broker's pid, the kernel lets nobody claim another";

const NOBODY = 65_534;

/**
 * Script that becomes the daemon by exec, because a test reads the daemon's limits by the pid that
 * it started; so $$ is the daemon's pid in the background job, too. One test looks for its bus at
 * the default path of a session bus and accepts no symbolic link there: the link's socket gets a
 * hard link at that path.
 */
const DAEMON = `#!/bin/sh
socket="$PVH_PROVIDER/$$.sock"
link="$PVH_CONSUMER/$$.sock"
default=""
for option do
  shift
  case "$option" in
    --address=*) continue ;;
    *listen-unix-runtime.conf) default="$XDG_RUNTIME_DIR/bus" ;;
  esac
  set -- "$@" "$option"
done
{
  until [ -s "$socket.address" ] && [ -S "$link" ]; do kill -0 $$ || exit; sleep 0.01; done
  [ -z "$default" ] || ln "$link" "$default"
  sed "s|$PVH_PROVIDER|$PVH_CONSUMER|" "$socket.address"
} &
exec /usr/bin/dbus-daemon "$@" --address="unix:path=$socket" >"$socket.address"
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
  const environment = await serveLinks(folder, stack);

  let differences = 0;
  for (const program of programs) {
    const names = await testsOf(program);
    if (names.length === 0) throw new Error(`${program} names no tests`);
    const rows: string[][] = [];
    const compare = async (name: string, uid: number): Promise<Result> => {
      const direct = await runTest(program, name, { environment: {}, uid });
      const through = await runTest(program, name, { environment, uid });
      clear(join(folder, "provider"));
      const note = noteOn(name, direct, through);
      if (note.startsWith(DIFFERS)) differences += 1;
      const shown = uid === NOBODY ? `${name} (as nobody)` : name;
      rows.push([shown, direct.result, through.result, note]);
      return direct;
    };
    for (const name of names) {
      const { result, why } = await compare(name, 0);
      if (result === "skipped" && why.includes("uid 0")) await compare(name, NOBODY);
    }
    process.stdout.write(`${table([program, "direct", "through a link", ""], rows)}\n\n`);
  }
  process.stdout.write(`${differences} differ\n`);
  return differences === 0 ? 0 : 1;
}

const DIFFERS = "<-- differs";

function noteOn(name: string, direct: Result, through: Result): string {
  const reason = direct.result === "skipped" ? direct.why : "";
  if (direct.result === through.result && (reason === "" || reason === through.why)) {
    return direct.why;
  }
  if (direct.result === "ok" && APART[name]?.test(through.why) === true) return WHY_APART;
  return `${DIFFERS}: ${[direct.why, through.why].filter((why) => why !== "").join(" | ")}`;
}

/** @returns the environment that makes the tests start their buses behind links */
async function serveLinks(
  folder: string,
  stack: AsyncDisposableStack,
): Promise<Surroundings["environment"]> {
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
  // Tests that run as nobody create their buses there, too.
  chmodSync(folder, 0o755);
  chmodSync(provider, 0o777);
  const ctrl = join(folder, "pv-ctrl");
  stack.use(await serveGraph(ctrl, () => graph(provider, pids)));
  const entry = join(PROJECT, "broker/xconnect/pv-xconnect.main.ts");
  const broker = await start("broker", [process.execPath, entry, "--ctrl", ctrl]);
  await broker.ready(() => broker.output.includes("Connected to pv-ctrl"), signal);
  const watcher = watch(provider, (_event, name) => {
    if (name?.endsWith(".sock") === true) process.kill(broker.pid, "SIGHUP");
  });
  stack.defer(() => watcher.close());
  const daemon = join(folder, "daemon");
  writeFileSync(daemon, DAEMON, { mode: 0o755 });
  return {
    DBUS_TEST_DAEMON: daemon,
    PVH_PROVIDER: provider,
    PVH_CONSUMER: join(folder, "consumer"),
  };
}

/** One link for each bus, with the account that owns the bus as its role. */
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
      role: statSync(join(provider, name)).uid === NOBODY ? "nobody" : "root",
      target: `/run/${name}`,
      socket: `/run/${name}`,
      rules: [RULES],
      fds: FDS,
    }));
}

/** Removes the files that killed buses have left. */
function clear(provider: string): void {
  for (const name of readdirSync(provider)) rmSync(join(provider, name));
}

const wanted = process.argv.slice(2);
process.exit(await main(wanted.length === 0 ? DEFAULT : wanted));
