import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, connect } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Container, Exec } from "dockerode";
import type { ControlClient } from "../../control/control-client.ts";
import { ShellChannel } from "../../engine/shell-channel.ts";
import { ExecStream } from "../../engine/streams.ts";
import type { StreamOptions } from "../../engine/streams.ts";
import type { CommandOptions, CommandResult } from "../command-result.ts";
import { PROCESSES } from "../container-init.ts";
import type { AppengineShell } from "../appengine-shell.ts";

/** Enters nothing: the containers of this appengine are in no namespaces. */
const NSENTER = `while [ "$1" != -- ]; do shift; done; shift; exec "$@"`;

/**
 * An appengine of this machine's sh and processes behind Docker's framing; only the engine and
 * the containers are left out: one that is RUNNING in `states` has the facts of a process.
 *
 * @param statuses what pv-ctrl says of containers
 */
export function localAppengine(
  states: Readonly<Record<string, string>>,
  statuses: Readonly<Record<string, string>> = {},
): AppengineShell & { readonly name: string; set(container: string, state: string): void } {
  const folder = mkdtempSync(join(tmpdir(), "pvh-appengine-"));
  const set = (name: string, state: string): void => {
    writeFileSync(join(folder, name), state);
  };
  for (const [name, state] of Object.entries(states)) set(name, state);
  const tools = mkdtempSync(join(tmpdir(), "pvh-tools-"));
  writeFileSync(join(tools, "nsenter"), `#!/bin/sh\n${NSENTER}\n`);
  chmodSync(join(tools, "nsenter"), 0o755);
  const processes = (): string =>
    Object.keys(states)
      .filter((name) => readFileSync(join(folder, name), "utf8") === "RUNNING")
      .map((name) => `/proc/42/cgroup:0::/lxc.payload.${name}\n/proc/42/status:NSpid:\t42\t1\n`)
      .join("");
  const env = { ...process.env, STATES: folder, PATH: `${tools}:${process.env["PATH"] ?? ""}` };
  const channel = new ShellChannel(async () => {
    const { near: socket, kill } = await engineExec(["sh", "-s"], env);
    return {
      socket,
      kill: () => {
        kill();
        return Promise.resolve();
      },
    };
  });
  return {
    name: "an appengine",
    set,
    control: {
      containers: () =>
        Promise.resolve(Object.entries(statuses).map(([name, status]) => ({ name, status }))),
    } as unknown as ControlClient,
    async sh(script: string, options?: CommandOptions): Promise<CommandResult> {
      if (script === PROCESSES) return { exitCode: 0, stdout: processes(), stderr: "" };
      const { exitCode, stdout, stderr } = await channel.run(script, options);
      return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
    },
    async stream(argv: readonly string[], options?: StreamOptions): Promise<ExecStream> {
      const { near, exec } = await engineExec(argv, env);
      return new ExecStream({ exec, socket: near, subject: argv.join(" ") }, options);
    },
  };
}

/**
 * A container whose execs are processes of this machine.
 * @param programs gets the name of each program that is started
 */
export function localContainer(programs: string[]): Container {
  const exec = async ({ Cmd = [] }: { readonly Cmd?: readonly string[] }): Promise<Exec> => {
    programs.push(Cmd[0] ?? "");
    const { near, exec: begun } = await engineExec(Cmd, process.env);
    return Object.assign(begun, { start: () => Promise.resolve(near) });
  };
  const inspect = () => Promise.resolve({ Config: { Labels: {} } });
  return { id: "0123456789ab", exec, inspect } as unknown as Container;
}

/** A process whose streams are on one connection, as the engine has it. */
async function engineExec(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ near: Socket; exec: Exec; kill: () => void }> {
  const path = join(mkdtempSync(join(tmpdir(), "pvh-exec-")), "s");
  const server = createServer({ allowHalfOpen: true }).listen(path);
  await once(server, "listening");
  const near = connect({ path, allowHalfOpen: true });
  const [far] = (await once(server, "connection")) as [Socket];
  server.close();
  const [program = "", ...words] = argv;
  const child = spawn(program, words, { env, stdio: "pipe", detached: true });
  const frame = (stream: number) => (payload: Buffer) => {
    const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
    header.writeUInt32BE(payload.length, 4);
    if (!far.destroyed) far.write(Buffer.concat([header, payload]));
  };
  const status: { code: number | null } = { code: null };
  child.stdout.on("data", frame(1));
  child.stderr.on("data", frame(2));
  child.stdin.on("error", () => undefined);
  far.on("error", () => undefined);
  child.once("error", (error) => {
    frame(1)(Buffer.from(`OCI runtime exec failed: exec failed: ${error.message}\r\n`));
    status.code = 127;
    far.end();
  });
  child.once("close", (code, signal) => {
    status.code ??= signal === null ? (code ?? 0) : 128 + 9;
    far.end();
  });
  far.pipe(child.stdin);
  const inspect = () => Promise.resolve({ Running: status.code === null, ExitCode: status.code });
  const kill = (): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, "SIGKILL");
  };
  near.once("close", kill);
  return { near, exec: { inspect } as unknown as Exec, kill };
}
