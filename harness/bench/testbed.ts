import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "../engine/programs.ts";
import { PROJECT } from "../image/sources.ts";
import { serveGraph } from "./ctrl-stub.ts";
import type { Suite } from "./figures.ts";
import { IDENTITY } from "./identity.ts";
import { loadPrograms } from "./load-programs.ts";
import type { LoadProgram, LoadPrograms } from "./load-programs.ts";
import { Program } from "./program.ts";
import { STAND_IN } from "./stand-in.ts";

/** Bus name of the echo service; load/dbus-load.c has it too. */
export const BUS_NAME = "org.pvh.Bench";

/**
 * The surroundings that all relays share: one provider per suite, and the broker between two
 * processes in mount namespaces of their own. The /run of each process is a folder here, so that
 * everything can be reached by a plain path.
 */
export interface Testbed {
  readonly folder: string;
  readonly programs: LoadPrograms;
  readonly suites: readonly Suite[];
  readonly broker: Program;
  /** The provider's socket of a suite. */
  provider(suite: Suite): string;
  /** The broker's socket of a suite, as the consumer has it. */
  planted(suite: Suite): string;
  start(name: string, command: readonly [string, ...string[]]): Promise<Program>;
  /** Wait for a socket of a program. */
  appeared(path: string, program: Program): Promise<void>;
}

/** @throws PvhError PVH_CAPABILITY without a C compiler */
export async function openTestbed(
  stack: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Testbed> {
  const programs = await loadPrograms();
  const folder = mkdtempSync(join(tmpdir(), "pvh-bench-"));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ["provider", "consumer"]) mkdirSync(join(folder, name));

  const start = async (name: string, command: readonly [string, ...string[]]) => {
    const log = join(folder, `${name.replaceAll(" ", "-")}.log`);
    return stack.use(await Program.start(command, { name, log, cwd: folder }));
  };
  const appeared = (path: string, program: Program) =>
    program.ready(() => existsSync(path), signal);
  const printed = (line: string, program: Program) =>
    program.ready(() => program.output.includes(line), signal);
  const provider = (suite: Suite) => join(folder, "provider", `${suite}.sock`);
  const planted = (suite: Suite) => join(folder, "consumer", `${suite}.sock`);
  const standIn = async (name: string) => {
    const program = await start(name, ["unshare", "--mount", "sh", "-ec", STAND_IN, "sh", name]);
    await printed("ready", program);
    return program.pid;
  };

  const pids = { consumer: await standIn("consumer"), provider: await standIn("provider") };
  const loads = {
    unix: "unix-load",
    rest: "http-load",
    wayland: "wayland-load",
    input: "input-load",
  } as const;
  const suites: Suite[] = [];
  for (const [suite, load] of Object.entries(loads) as [keyof typeof loads, LoadProgram][]) {
    const command = [programs[load], "serve", provider(suite)] as const;
    await appeared(provider(suite), await start(`${suite}-provider`, command));
    suites.push(suite);
  }
  const daemon = findProgram("dbus-daemon");
  if (daemon !== undefined) {
    suites.push("dbus");
    const config = join(folder, "bus.conf");
    writeFileSync(config, busConfig(provider("dbus")));
    const bus = await start("dbus-daemon", [daemon, `--config-file=${config}`, "--nofork"]);
    await appeared(provider("dbus"), bus);
    const echo = await start("echo", [programs["dbus-load"], "serve", provider("dbus")]);
    await printed("ready", echo);
  }

  const ctrl = join(folder, "pv-ctrl");
  stack.use(await serveGraph(ctrl, () => suites.map((suite) => graphEntry(suite, pids))));
  const main = join(PROJECT, "broker/xconnect/pv-xconnect.main.ts");
  const broker = await start("broker", [process.execPath, main, "--ctrl", ctrl]);
  for (const suite of suites) await appeared(planted(suite), broker);
  return { folder, programs, suites, broker, provider, planted, start, appeared };
}

function graphEntry(suite: Suite, pids: { consumer: number; provider: number }): unknown {
  return {
    consumer: IDENTITY.client,
    consumer_pid: pids.consumer,
    provider: "bench-provider",
    provider_pid: pids.provider,
    name: suite,
    type: suite,
    role: suite === "dbus" ? "root" : IDENTITY.role,
    target: `/run/${suite}.sock`,
    socket: `/run/${suite}.sock`,
    ...(suite === "dbus" && { rules: [[{ access: "call", name: BUS_NAME }]] }),
  };
}

function busConfig(path: string): string {
  return `<busconfig>
<type>session</type>
<listen>unix:path=${path}</listen>
<auth>EXTERNAL</auth>
<policy context="default">
<allow user="*"/>
<allow own="*"/>
<allow send_destination="*"/>
<allow receive_sender="*"/>
</policy>
</busconfig>
`;
}
