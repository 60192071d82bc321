import type { Container } from "dockerode";
import { Demultiplexer } from "./demux.ts";

/** What a container has printed so far, stdout and stderr as they came. */
export async function containerOutput(container: Container): Promise<string> {
  const raw = await container.logs({ stdout: true, stderr: true, follow: false });
  const parts: Buffer[] = [];
  new Demultiplexer((_stream, payload) => parts.push(payload)).push(raw);
  return Buffer.concat(parts).toString("utf8");
}
