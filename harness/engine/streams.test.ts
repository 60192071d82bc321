import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, connect } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import Docker from "dockerode";
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
