/** Streams of an attached container or exec: 1 and 2 as usual. */
export type StreamNumber = 1 | 2;

const HEADER = 8;

/**
 * Takes Docker's multiplexed stream apart (Engine API, "Attach to a container": one byte with
 * the stream's number, three zero bytes, four with the length, the payload; any number of
 * frames, cut anywhere by the transport).
 */
export class Demultiplexer {
  readonly #deliver: (stream: StreamNumber, payload: Buffer) => void;
  #head = Buffer.alloc(0);
  #stream: StreamNumber = 1;
  #left = 0;

  constructor(deliver: (stream: StreamNumber, payload: Buffer) => void) {
    this.#deliver = deliver;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left > 0) {
        const payload = rest.subarray(0, this.#left);
        rest = rest.subarray(payload.length);
        this.#left -= payload.length;
        this.#deliver(this.#stream, payload);
        continue;
      }
      const missing = HEADER - this.#head.length;
      this.#head = Buffer.concat([this.#head, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      if (this.#head.length < HEADER) return;
      this.#stream = this.#head[0] === 2 ? 2 : 1;
      this.#left = this.#head.readUInt32BE(4);
      this.#head = Buffer.alloc(0);
    }
  }
}
