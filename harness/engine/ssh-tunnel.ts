import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { connect, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { PvhError } from "../errors.ts";
import { until } from "../until.ts";
import type { DirectAddress, SshAddress } from "./engine-address.ts";
import { findProgram, systemPath } from "./programs.ts";

/** Milliseconds until ssh has logged in, or said why not. */
const PATIENCE = 30_000;

/**
 * An engine's socket on another machine, brought here by OpenSSH's client: keys, agents, known hosts
 * and `~/.ssh/config` are as for any ssh of the user. It never asks (BatchMode), for a run in CI would
 * wait for ever.
 */
const OPTIONS = [
  ...["BatchMode=yes", "ConnectTimeout=10", "ServerAliveInterval=10", "ExitOnForwardFailure=yes"],
  // A connection that the user shares would keep the forwarding when pvh has ended.
  ...["ControlMaster=no", "ControlPath=none", "StreamLocalBindMask=0177"],
].flatMap((option) => ["-o", option]);

/**
 * Ends ssh when its own standard input ends, which is the end of pvh, also of a killed one. $0 is the
 * folder. The shell's own words would meet a closed pipe.
 */
const WITH_US = `
exec 3<&0
ssh "$@" </dev/null 3<&- &
ssh=$!
exec 2>/dev/null
{ read -r _ <&3; kill $ssh; } &
reader=$!
wait $ssh
code=$?
kill $reader
rm -rf "$0"
exit $code
`;

/** Milliseconds for ssh's words about a connection that it has closed. */
const WORDS = 1_000;

/** This machine's end of a tunnel. */
export interface Tunnel {
  readonly address: DirectAddress;
  /**
   * The last lines that ssh has written, for example why the far end could not be reached: its connection may
   * be closed before they come.
   */
  readonly words: () => Promise<string>;
}

const tunnels = new Map<string, Promise<Tunnel>>();

/**
 * The tunnel to an engine; one for each address, which lives as long as this process.
 *
 * @throws PvhError PVH_ENGINE_UNREACHABLE with ssh's own words, PVH_ABORTED
 */
export function sshTunnel(address: SshAddress, signal?: AbortSignal): Promise<Tunnel> {
  const there = tunnels.get(address.host);
  if (there !== undefined) return there;
  const opened = open(address, signal);
  tunnels.set(address.host, opened);
  opened.catch(() => tunnels.delete(address.host));
  return opened;
}

async function open(
  { host, destination, path }: SshAddress,
  signal: AbortSignal | undefined,
): Promise<Tunnel> {
  if (findProgram("ssh") === undefined) {
    throw new PvhError(
      "PVH_ENGINE_UNREACHABLE",
      `${host} takes ssh, which is not on this machine`,
      {
        hint: "apt-get install openssh-client",
      },
    );
  }
  const folder = mkdtempSync(join(tmpdir(), "pvh-ssh-"));
  const socket = join(folder, "engine.sock");
  const child = start([...OPTIONS, "-nNT", "-L", `${socket}:${path}`, "--", destination], folder);
  const said: string[] = [];
  createInterface(child.stderr).on("line", (line) => {
    said.push(line);
    if (said.length > 3) said.shift();
  });
  const words = (): string => [...new Set(said)].join("; ");
  const ended = new Promise<string>((resolve) => {
    child.once("error", ({ message }) => resolve(message));
    child.once("close", (code) => resolve(words() || `exit code ${code ?? "?"}`));
  });
  let dead: string | undefined;
  void ended.then((why) => {
    dead = why;
    tunnels.delete(host);
  });
  const ready = async (): Promise<boolean> => dead !== undefined || (await accepts(socket));
  try {
    await until(`ssh to ${destination}`, ready, {
      timeout: PATIENCE,
      code: "PVH_ENGINE_UNREACHABLE",
      ...(signal && { signal }),
    });
  } catch (error) {
    child.stdin.destroy();
    throw error;
  }
  if (dead !== undefined) {
    throw new PvhError("PVH_ENGINE_UNREACHABLE", `ssh to ${destination} has ended: ${dead}`);
  }
  release(child);
  return {
    address: { kind: "unix", host: `unix://${socket}`, path: socket },
    async words() {
      const hasSaid = (): boolean => said.length > 0;
      await until("a word of ssh", hasSaid, { timeout: WORDS }).catch(() => undefined);
      return words();
    },
  };
}

type Ssh = ChildProcessByStdio<Writable, null, Readable>;

/** In a session of its own, so that Ctrl+C leaves pvh the engine until all is removed. */
function start(args: readonly string[], folder: string): Ssh {
  return spawn("sh", ["-c", WITH_US, folder, ...args], {
    stdio: ["pipe", "ignore", "pipe"],
    detached: true,
    cwd: "/",
    env: { ...process.env, PATH: systemPath(), LC_ALL: "C" },
  });
}

/** The tunnel keeps no process from ending. */
function release(child: Ssh): void {
  child.unref();
  for (const stream of [child.stdin, child.stderr]) if (stream instanceof Socket) stream.unref();
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
