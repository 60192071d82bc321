import type { Readable } from "node:stream";
import type { Container, ContainerLogsOptions } from "dockerode";
import { BoundedBytes } from "./bounded.ts";
import { Demultiplexer } from "./demux.ts";

/** Bytes of the end of an output that are kept, and of its beginning where it is longer. */
const END = 4 * 1024 * 1024;
const BEGINNING = 1024 * 1024;
/** The engine keeps output in entries: a line, or 16 KiB of a longer one. */
const LAST_ENTRIES = 2_000;
const LONGEST_ENTRY = 16 * 1024;

/** The last of what a container has printed, stdout and stderr as they came. */
export async function lastOutput(container: Container): Promise<string> {
  return (await outputOf(container, { tail: LAST_ENTRIES }, LAST_ENTRIES * LONGEST_ENTRY))
    .bytes()
    .toString("utf8");
}

/**
 * The output of a container so far, stdout and stderr as they came. When it is more than 4 MiB,
 * its middle is left out, and a line there says so.
 */
export async function containerOutput(container: Container): Promise<string> {
  const all = await outputOf(container, {}, END);
  if (all.cut === 0) return all.bytes().toString("utf8");
  const beginning = all.bytes().toString("utf8", 0, BEGINNING);
  return `${beginning}\n… (left out here: all but the first 1 MiB and the last ${LAST_ENTRIES} lines of more than 4 MiB)\n${await lastOutput(container)}`;
}

async function outputOf(
  container: Container,
  options: ContainerLogsOptions,
  limit: number,
): Promise<BoundedBytes> {
  const output = new BoundedBytes(limit);
  const demultiplexer = new Demultiplexer((_stream, payload) => output.push(payload));
  for await (const chunk of await openLogs(container, options)) {
    demultiplexer.push(chunk as Buffer);
    // Leaving the loop closes the connection, so endless output is not read any further.
    if (output.cut > 0) break;
  }
  return output;
}

/** Container.logs() of dockerode gives a stream only with `follow`; otherwise it reads it all. */
function openLogs(container: Container, options: ContainerLogsOptions): Promise<Readable> {
  const request = {
    path: `/containers/${container.id}/logs?`,
    method: "GET",
    isStream: true,
    statusCodes: { 200: true, 404: "no such container", 500: "server error" },
    options: { stdout: true, stderr: true, ...options },
  };
  return new Promise((resolve, reject) => {
    const modem = container.modem as Modem;
    modem.dial(request, (error, stream) => {
      if (stream === undefined || stream === null)
        reject(error instanceof Error ? error : new Error(String(error)));
      else resolve(stream);
    });
  });
}

/** docker-modem has no types for what dockerode gives of it. */
interface Modem {
  dial(request: object, done: (error: unknown, stream?: Readable | null) => void): void;
}
