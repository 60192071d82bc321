import type { Duplex } from "node:stream";
import { PvhError } from "../errors.ts";

export interface RawExchange {
  /** Everything the server sent. */
  readonly bytes: Buffer;
  /** True when the server closed; false when the deadline ended the exchange. */
  readonly closed: boolean;
  readonly ms: number;
}

/**
 * Send bytes as they are and collect what comes back, for requests that no HTTP client would
 * make.
 *
 * @param options.halfClose shut the sending side after the bytes, as `nc -N` does
 * @param options.enough stop early when this matches what has arrived so far
 * @param options.timeout milliseconds
 */
export async function rawExchange(
  stream: Duplex,
  bytes: string | Buffer,
  options: { timeout: number; halfClose?: boolean; enough?: RegExp; signal?: AbortSignal },
): Promise<RawExchange> {
  const begun = performance.now();
  const chunks: Buffer[] = [];
  const deadline = AbortSignal.timeout(options.timeout);
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
  try {
    const closed = await new Promise<boolean>((resolve, reject) => {
      stream.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        if (options.enough?.test(Buffer.concat(chunks).toString("latin1")) === true) resolve(false);
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
    return { bytes: Buffer.concat(chunks), closed, ms: performance.now() - begun };
  } finally {
    stream.destroy();
  }
}
