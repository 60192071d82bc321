import { spawn } from "node:child_process";
import { Duplex } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { clock } from "../clock/clock.ts";
import { captureDebug } from "../debug.fixture.ts";
import type { Shell } from "./shell-channel.ts";
import { ShellChannel } from "./shell-channel.ts";

/** A real sh of this machine behind Docker's framing; only the engine is left out. */
function localShell(): { open: () => Promise<Shell>; opened: () => number } {
  let count = 0;
  const open = () => {
    count += 1;
    const child = spawn("sh", [], { stdio: ["pipe", "pipe", "pipe"], detached: true });
    const socket = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => void child.stdin.write(chunk, done),
      final: (done) => void child.stdin.end(done),
    });
    const forward = (stream: number) => (payload: Buffer) => {
      const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
      header.writeUInt32BE(payload.length, 4);
      socket.push(Buffer.concat([header, payload]));
    };
    child.stdout.on("data", forward(1));
    child.stderr.on("data", forward(2));
    child.stdin.on("error", () => undefined);
    child.once("exit", () => socket.push(null));
    const kill = () => {
      const ended = child.exitCode !== null || child.signalCode !== null;
      if (child.pid !== undefined && !ended) process.kill(-child.pid, "SIGKILL");
      return Promise.resolve();
    };
    return Promise.resolve({ socket, kill });
  };
  return { open, opened: () => count };
}

test("a command gives its status and both outputs, apart and byte for byte", async () => {
  await using channel = new ShellChannel(localShell().open);
  const result = await channel.run(String.raw`printf 'a\000b\n'; printf "it's" >&2; exit 3`);
  expect(result).toEqual({
    exitCode: 3,
    stdout: Buffer.from("a\0b\n"),
    stderr: Buffer.from("it's"),
  });
});

test("a command reads what it is given, and never the next command", async () => {
  await using channel = new ShellChannel(localShell().open);
  const bytes = Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * 7) & 0xff));
  const [fed, unfed] = await Promise.all([
    channel.run("cat", { stdin: bytes }),
    channel.run("cat; echo end"),
  ]);
  expect(fed.stdout).toEqual(bytes);
  expect(unfed.stdout.toString()).toBe("end\n");
});

test("commands on one channel run one after the other and share nothing but the shell", async () => {
  const shell = localShell();
  await using channel = new ShellChannel(shell.open);
  const results = await Promise.all([
    channel.run("cd /; x=1; exit 9"),
    channel.run("if"),
    channel.run('echo "${x:-unset}"'),
  ]);
  expect(results.map(({ exitCode }) => exitCode === 0)).toEqual([false, false, true]);
  expect(results[2].stdout.toString()).toBe("unset\n");
  expect(shell.opened()).toBe(1);
});

test("a command that is not done in time is killed, and the channel opens again", async () => {
  const shell = localShell();
  await using channel = new ShellChannel(shell.open);
  await expect(channel.run("echo partly; sleep 60", { timeout: 100 })).rejects.toMatchObject({
    code: "PVH_TIMEOUT",
    message: expect.stringContaining("partly") as string,
  });
  expect((await channel.run("echo again")).stdout.toString()).toBe("again\n");
  expect(shell.opened()).toBe(2);
});

test("an abort ends the command that runs, and closing refuses those that wait", async () => {
  const channel = new ShellChannel(localShell().open);
  const controller = new AbortController();
  const cancelled = channel.run("sleep 60", { signal: controller.signal });
  const closed = channel.run("sleep 60");
  void setImmediate().then(() => controller.abort());
  await expect(cancelled).rejects.toMatchObject({ code: "PVH_ABORTED" });
  await channel.close();
  await expect(closed).rejects.toMatchObject({ code: "PVH_ABORTED" });
});

test("a shell that goes away during a command is an error that names the command", async () => {
  await using channel = new ShellChannel(localShell().open);
  await expect(channel.run("kill -9 $$")).rejects.toMatchObject({
    code: "PVH_ENGINE",
    message: expect.stringContaining("kill -9 $$") as string,
  });
});

test("a command that prints without end is killed, and its beginning is told", async () => {
  const shell = localShell();
  await using channel = new ShellChannel(shell.open);
  await expect(channel.run("yes")).rejects.toMatchObject({
    code: "PVH_TOO_MUCH",
    message: expect.stringMatching(
      /^printed more than 16 MiB, and was killed: yes; it began: y\n/,
    ) as string,
  });
  await expect(channel.run("cat /dev/zero >&2")).rejects.toMatchObject({ code: "PVH_TOO_MUCH" });
  expect((await channel.run("echo again")).stdout.toString()).toBe("again\n");
});

test("an engine that starts no shell is at fault, not the product", async () => {
  clock.scale = 0.001;
  await using channel = new ShellChannel(() => new Promise(() => undefined));
  await expect(channel.run("true")).rejects.toMatchObject({
    code: "PVH_ENGINE_UNREACHABLE",
    class: "infra",
  });
  clock.scale = 1;
});

test("a shell that comes too late is closed", async () => {
  const late = Promise.withResolvers<Shell>();
  await using channel = new ShellChannel(() => late.promise);
  const cancel = new AbortController();
  const running = channel.run("true", { signal: cancel.signal });
  await setImmediate();
  cancel.abort();
  await expect(running).rejects.toMatchObject({ code: "PVH_ABORTED" });
  const shell = await localShell().open();
  late.resolve(shell);
  await setImmediate();
  expect(shell.socket.destroyed).toBe(true);
});

test("an image without sh is told in the engine's words", async () => {
  const words = Buffer.from('OCI runtime exec failed: exec failed: "sh": not found');
  const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  await using channel = new ShellChannel(() =>
    Promise.resolve({ socket, kill: () => Promise.resolve() }),
  );
  const running = channel.run("true");
  socket.push(Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, words.length]), words]));
  socket.push(null);
  await expect(running).rejects.toMatchObject({
    code: "PVH_NO_PROGRAM",
    message: words.toString(),
  });
});

test("PVH_DEBUG=shell tells each command with its status and time", async () => {
  const lines = captureDebug("shell");
  await using channel = new ShellChannel(localShell().open);
  await channel.run("echo secret;\n  exit 3");
  await expect(channel.run("sleep 9", { timeout: 10 })).rejects.toThrow("not done");
  expect(lines).toEqual([
    expect.stringMatching(/exit 3, \d+ ms: echo secret; exit 3$/),
    expect.stringMatching(/not done after 10 ms: sleep 9.*, \d+ ms$/),
  ]);
});
