import type { Duplex } from "node:stream";
import { clock } from "../clock/clock.ts";
import { BoundedBytes, tooMuch } from "../engine/bounded.ts";
import { PvhError } from "../errors.ts";

export interface RawExchange {
  /** Everything the server sent. */
  readonly bytes: Buffer;
  /** True when the server closed; false when the deadline ended the exchange. */
  readonly closed: boolean;
  /** Milliseconds of given time that it took. */
  readonly ms: number;
}

/** Bytes of an answer that are read. */
const MOST = 1024 * 1024;

/**
 * Send bytes as they are and collect what comes back, for requests that no HTTP client would
 * make.
 *
 * @param options.halfClose shut the sending side after the bytes, as `nc -N` does
 * @param options.enough stop early when this matches what has arrived so far
 * @param options.timeout milliseconds of given time
 * @throws PvhError PVH_TOO_MUCH when the server sends without end
 */
export async function rawExchange(
  stream: Duplex,
  bytes: string | Buffer,
  options: { timeout: number; halfClose?: boolean; enough?: RegExp; signal?: AbortSignal },
): Promise<RawExchange> {
  const watch = clock.stopwatch();
  const received = new BoundedBytes(MOST);
  using deadline = clock.deadline(options.timeout);
  const signal = AbortSignal.any([
    deadline.signal,
    ...(options.signal === undefined ? [] : [options.signal]),
  ]);
  try {
    const closed = await new Promise<boolean>((resolve, reject) => {
      stream.on("data", (chunk: Buffer) => {
        if (!received.push(chunk)) {
          reject(tooMuch("a raw exchange with pv-ctrl", received));
          stream.destroy();
        } else if (options.enough?.test(received.bytes().toString("latin1")) === true)
          resolve(false);
      });
      stream.once("end", () => resolve(true));
      stream.once("close", () => resolve(true));
      stream.once("error", reject);
      signal.addEventListener("abort", () => resolve(false), { once: true });
      if (options.halfClose === true) stream.end(bytes);
      else stream.write(bytes);
    });
    if (options.signal?.aborted === true) {
      throw new PvhError("PVH_ABORTED", "cancelled during a raw exchange");
    }
    return { bytes: received.bytes(), closed, ms: watch.given };
  } finally {
    stream.destroy();
  }
}
