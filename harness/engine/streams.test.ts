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
import { ExecStream } from "./streams.ts";

const exec = new Docker({ socketPath: "/nonexistent" }).getExec("x");

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
  const stream = new ExecStream(exec, ends.near);
  stream.end("question");
  expect(await text(ends.far)).toBe("question");
  ends.far.end(framed(1, "answer"));
  expect(await text(stream)).toBe("answer");
});

test("stderr goes to its listener in lines and never into the stream", async () => {
  await using ends = await connection();
  const lines: string[] = [];
  const stream = new ExecStream(exec, ends.near, { onStderr: (line) => lines.push(line) });
  ends.far.write(framed(2, "one\ntw"));
  ends.far.write(framed(1, "out"));
  ends.far.end(framed(2, "o"));
  expect(await text(stream)).toBe("out");
  expect(lines).toEqual(["one", "two"]);
});

/** An exec that has ended with this status. */
function endedExec(ExitCode: number): Exec {
  return { inspect: () => Promise.resolve({ Running: false, ExitCode }) } as unknown as Exec;
}

test("a command that does not exist fails the stream with the engine's words", async () => {
  await using ends = await connection();
  const stream = new ExecStream(endedExec(127), ends.near);
  ends.far.end(framed(1, 'OCI runtime exec failed: "nc": executable file not found'));
  await expect(text(stream)).rejects.toMatchObject({
    code: "PVH_NO_PROGRAM",
    message: expect.stringContaining("executable file not found") as string,
  });
});

test("a command that only prints those words is believed", async () => {
  await using ends = await connection();
  const stream = new ExecStream(endedExec(0), ends.near);
  ends.far.write(framed(1, "OCI runtime exec failed"));
  ends.far.end(framed(1, ", it says"));
  expect(await text(stream)).toBe("OCI runtime exec failed, it says");
});

test("a line of stderr without end is told in part", async () => {
  await using ends = await connection();
  const lines: string[] = [];
  const stream = new ExecStream(exec, ends.near, { onStderr: (line) => lines.push(line) });
  for (let n = 0; n < 200; n += 1) ends.far.write(framed(2, "x".repeat(200)));
  ends.far.end(framed(2, "\nlast"));
  expect(await text(stream)).toBe("");
  expect(lines).toEqual([expect.stringMatching(/^x{16384}… \(23616 more characters\)$/), "last"]);
});
