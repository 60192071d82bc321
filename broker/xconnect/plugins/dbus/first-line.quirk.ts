import { once } from "node:events";
import { Socket } from "node:net";
import type { ConsumerConnection, Link, Toolbox } from "../plugin.ts";
import { dbusIdentity } from "./identity.ts";
import { failOutlived } from "./outlived.quirk.ts";

/** Most bytes in which the first line has to end. */
const LONGEST_LINE = 16_384;
/** Milliseconds that a session stays after the first EOF (docs/pantavisor.md §6.4). */
const LINGER = 60_000;

/**
 * A session as 029-32 carries it (docs/pantavisor.md §6.5): the uid in the first line, if that is
 * `AUTH EXTERNAL` with one, becomes the role's. All else passes as it is, to a bus that sees the
 * broker's own uid.
 */
export async function rewriteFirstLine(
  link: Link,
  connection: ConsumerConnection,
  tools: Toolbox,
): Promise<void> {
  const { signal } = connection;
  const provider = await tools.connectProvider(link, { signal });
  const consumer = new Socket({ fd: connection.take(), allowHalfOpen: true });
  const end = () => {
    consumer.destroy();
    provider.destroy();
  };
  const closed = Promise.all([once(consumer, "close"), once(provider, "close")]);
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  for (const side of [consumer, provider]) side.on("error", end).on("close", end);
  let ended = 0;
  const onEnd = () => {
    ended += 1;
    if (ended === 2) end();
    else setTimeout(end, LINGER).unref();
  };
  carry(
    consumer,
    provider,
    firstLineWith(dbusIdentity(link, tools).uid, () => failOutlived(link, tools)),
  );
  carry(provider, consumer, (bytes) => bytes);
  consumer.on("end", onEnd);
  provider.on("end", onEnd);
  await closed;
  signal.removeEventListener("abort", end);
}

function carry(source: Socket, sink: Socket, change: (bytes: Buffer) => Buffer): void {
  source.on("data", (bytes: Buffer) => {
    if (!sink.write(change(bytes))) source.pause();
  });
  sink.on("drain", () => source.resume());
}

/** Holds bytes back until the first line is whole, and puts the uid into it; calls `onLine` once before. */
function firstLineWith(uid: number, onLine: () => void): (bytes: Buffer) => Buffer {
  let held: Buffer | undefined = Buffer.alloc(0);
  return (bytes) => {
    if (held === undefined) return bytes;
    const all: Buffer = Buffer.concat([held, bytes]);
    const end = all.indexOf("\n");
    if (end < 0 && all.length < LONGEST_LINE) {
      held = all;
      return Buffer.alloc(0);
    }
    held = undefined;
    onLine();
    const line = all.subarray(0, end).toString("latin1");
    const claim = /^\0?AUTH EXTERNAL [0-9A-Fa-f]+(?=\r?$)/.exec(line)?.[0];
    if (claim === undefined) return all;
    const role = Buffer.from(String(uid)).toString("hex");
    const own = claim.replace(/[0-9A-Fa-f]+$/, role);
    return Buffer.concat([Buffer.from(own, "latin1"), all.subarray(claim.length)]);
  };
}
