import { PolledStream } from "../../../shared/linux/polled-stream.ts";
import type { StreamOwner } from "../../../shared/linux/polled-stream.ts";
import type { EventOrigin, OriginOwner } from "./input-source.ts";

/** A provider's socket of frames. Nothing is written to it: a provider never learns who reads. */
export class SocketOrigin implements EventOrigin, StreamOwner {
  readonly #stream: PolledStream;
  readonly #owner: OriginOwner;

  /** @param fd owned by the origin from now on */
  constructor(fd: number, owner: OriginOwner) {
    this.#owner = owner;
    this.#stream = new PolledStream(fd, this);
  }

  onReadable(): void {
    const bytes = this.#stream.read();
    if (bytes !== undefined) this.#owner.onBytes(bytes);
    else if (this.#stream.ended) this.#owner.onEnd(undefined);
  }

  onDrained(): void {
    // Nothing is written.
  }

  onGone(): void {
    this.#owner.onEnd(undefined);
  }

  close(): void {
    this.#stream.close();
  }
}
