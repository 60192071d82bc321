import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import Docker from "dockerode";
import { expect, test } from "vitest";
import type { HijackedExec } from "./exec.ts";
import { SpareExec } from "./spare-exec.ts";
import { ExecStream } from "./streams.ts";
import { fakeEngine } from "./testdata/fake-engine.ts";

const exec = new Docker({ socketPath: "/nonexistent" }).getExec("x");

/** Starts programs of this machine as an engine does: their streams on one connection, with its framing. */
async function localEngine(): Promise<
  {
    readonly start: (argv: readonly string[]) => Promise<HijackedExec>;
    readonly children: ChildProcess[];
  } & AsyncDisposable
> {
  const folder = await mkdtemp(join(tmpdir(), "pvh-"));
  const path = join(folder, "s");
  const children: ChildProcess[] = [];
  let next: readonly string[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const [program = "", ...args] = next;
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    children.push(child);
    const forward = (stream: number) => (payload: Buffer) => {
      const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
      header.writeUInt32BE(payload.length, 4);
      socket.write(Buffer.concat([header, payload]));
    };
    child.stdout.on("data", forward(1));
    child.stderr.on("data", forward(2));
    child.stdin.on("error", () => undefined);
    child.once("close", () => socket.end());
    socket.on("error", () => undefined).pipe(child.stdin);
  }).listen(path);
  await once(server, "listening");
  return {
    children,
    async start(argv) {
      next = argv;
      const accepted = once(server, "connection");
      const socket = connect({ path, allowHalfOpen: true });
      await accepted;
      return { exec, socket, subject: argv.join(" ") };
    },
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill("SIGKILL");
      server.close();
      await rm(folder, { recursive: true });
    },
  };
}

test("a command gets its words byte for byte, and all that follows as its input", async () => {
  await using engine = await localEngine();
  const spare = new SpareExec(engine.start);
  spare.prepare();
  const words = ["it's", " two\nlines\n", "ü \\n $x `y`", ""];
  const taken = await spare.take(
    ["sh", "-c", 'printf "[%s]" "$@"; cat', "sh", ...words],
    undefined,
  );
  if (taken === undefined) throw new Error("there is none");
  const stream = new ExecStream(taken);
  stream.end("1\ninput\n");
  expect(await text(stream)).toBe(`${words.map((word) => `[${word}]`).join("")}1\ninput\n`);
});

test("a command that does not exist is told as the engine tells it", async () => {
  await using engine = await localEngine();
  const spare = new SpareExec(engine.start);
  spare.prepare();
  const taken = await spare.take(["absent-program"], undefined);
  if (taken === undefined) throw new Error("there is none");
  await using fake = await fakeEngine(() => ({ body: { Running: false, ExitCode: 127 } }));
  const ended = { ...taken, exec: fake.engine.docker.getExec("x") };
  await expect(text(new ExecStream(ended))).rejects.toMatchObject({
    code: "PVH_NO_PROGRAM",
    message: "OCI runtime exec failed: absent-program: not found",
  });
});

test("one is there when it was prepared, for one command", async () => {
  await using engine = await localEngine();
  const spare = new SpareExec(engine.start);
  expect(await spare.take(["true"], undefined)).toBeUndefined();
  spare.prepare();
  spare.prepare();
  expect(await spare.take(["true"], undefined)).toBeDefined();
  expect(await spare.take(["true"], undefined)).toBeUndefined();
  expect(engine.children.length).toBe(1);
});

test("one that has ended, or that did not start, is none", async () => {
  await using engine = await localEngine();
  let ended: Socket | undefined;
  const spare = new SpareExec(async (argv) => {
    const started = await engine.start(argv);
    ended = started.socket;
    return started;
  });
  spare.prepare();
  await expect.poll(() => engine.children.length).toBe(1);
  engine.children[0]?.kill("SIGKILL");
  // The engine's connection tells of it a moment later.
  await expect.poll(() => ended?.destroyed).toBe(true);
  expect(await spare.take(["true"], undefined)).toBeUndefined();
  const none = new SpareExec(() => Promise.reject(new Error("no engine")));
  none.prepare();
  expect(await none.take(["true"], undefined)).toBeUndefined();
});

test("a command that is cancelled while the exec starts leaves none behind", async () => {
  await using engine = await localEngine();
  const start = Promise.withResolvers<undefined>();
  const spare = new SpareExec(async (argv) => {
    await start.promise;
    return engine.start(argv);
  });
  spare.prepare();
  const taken = spare.take(["true"], AbortSignal.abort());
  await expect(taken).rejects.toMatchObject({ code: "PVH_ABORTED" });
  start.resolve(undefined);
  await expect.poll(() => engine.children[0]?.exitCode).toBe(0);
});
