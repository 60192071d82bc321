import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, connect } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import Docker from "dockerode";
import type { Exec } from "dockerode";
import { expect, test } from "vitest";
import type { HijackedExec } from "./exec.ts";
import { ExecStream, openStream } from "./streams.ts";
import { fakeEngine } from "./testdata/fake-engine.ts";

const unreachable = new Docker({ socketPath: "/nonexistent" }).getExec("x");

function opened(socket: Socket, exec = unreachable): HijackedExec {
  return { exec, socket, subject: "make-root.sh in container c0ffee" };
}

function framed(stream: number, payload: string): Buffer {
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, payload.length]);
  return Buffer.concat([header, Buffer.from(payload)]);
}

/** Both ends of a connection such as the engine keeps for an exec. */
async function connection(): Promise<{ near: Socket; far: Socket } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "pvh-"));
  const server = createServer({ allowHalfOpen: true }).listen(join(folder, "s"));
  const accepted = once(server, "connection") as Promise<[Socket]>;
  await once(server, "listening");
  const near = connect(join(folder, "s"));
  const [far] = await accepted;
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      near.destroy();
      far.destroy();
      server.close();
      await rm(folder, { recursive: true });
    },
  };
}

test("ending the stream ends the command's stdin, and its answer still arrives", async () => {
  await using ends = await connection();
  const stream = new ExecStream(opened(ends.near));
  stream.end("question");
  expect(await text(ends.far)).toBe("question");
  ends.far.end(framed(1, "answer"));
  expect(await text(stream)).toBe("answer");
});

test("stderr goes to its listener in lines and never into the stream", async () => {
  await using ends = await connection();
  const lines: string[] = [];
  const stream = new ExecStream(opened(ends.near), { onStderr: (line) => lines.push(line) });
  ends.far.write(framed(2, "one\ntw"));
  ends.far.write(framed(1, "out"));
  ends.far.end(framed(2, "o"));
  expect(await text(stream)).toBe("out");
  expect(lines).toEqual(["one", "two"]);
});

test("an exit code that the engine does not tell is the engine's fault, and names the command", async () => {
  await using ends = await connection();
  const gone = new ExecStream(opened(ends.near)).exitCode({ timeout: 20 });
  await expect(gone).rejects.toMatchObject({
    code: "PVH_ENGINE_UNREACHABLE",
    class: "infra",
    message: expect.stringMatching(
      /^waited 20 ms for the exit code of make-root\.sh in container c0ffee: the engine does not answer/,
    ) as string,
  });

  await using fake = await fakeEngine(() => ({ body: { Running: true, ExitCode: null } }));
  const running = new ExecStream(opened(ends.near, fake.engine.docker.getExec("x")));
  await expect(running.exitCode({ timeout: 20 })).rejects.toMatchObject({
    code: "PVH_ENGINE",
    class: "infra",
    message: "waited 20 ms for the exit code of make-root.sh in container c0ffee",
  });
});

test("a command that the engine does not start holds up no cancellation", async () => {
  await using fake = await fakeEngine(() => new Promise(() => undefined));
  const container = fake.engine.docker.getContainer("c0ffee");
  const signal = AbortSignal.timeout(50);
  await expect(openStream(container, ["sh", "-c", "true"], { signal })).rejects.toMatchObject({
    code: "PVH_ABORTED",
    message: "cancelled: sh -c true in container c0ffee",
  });
});

/** An exec that has ended with this status. */
function endedExec(ExitCode: number): Exec {
  return { inspect: () => Promise.resolve({ Running: false, ExitCode }) } as unknown as Exec;
}

test("a command that does not exist fails the stream with the engine's words", async () => {
  await using ends = await connection();
  const stream = new ExecStream(opened(ends.near, endedExec(127)));
  ends.far.end(framed(1, 'OCI runtime exec failed: "nc": executable file not found'));
  await expect(text(stream)).rejects.toMatchObject({
    code: "PVH_NO_PROGRAM",
    message: expect.stringContaining("executable file not found") as string,
  });
});

test("a command that only prints those words is believed", async () => {
  await using ends = await connection();
  const stream = new ExecStream(opened(ends.near, endedExec(0)));
  ends.far.write(framed(1, "OCI runtime exec failed"));
  ends.far.end(framed(1, ", it says"));
  expect(await text(stream)).toBe("OCI runtime exec failed, it says");
});

test("a line of stderr without end is told in part", async () => {
  await using ends = await connection();
  const lines: string[] = [];
  const stream = new ExecStream(opened(ends.near), { onStderr: (line) => lines.push(line) });
  for (let n = 0; n < 200; n += 1) ends.far.write(framed(2, "x".repeat(200)));
  ends.far.end(framed(2, "\nlast"));
  expect(await text(stream)).toBe("");
  expect(lines).toEqual([expect.stringMatching(/^x{16384}… \(23616 more characters\)$/), "last"]);
});
