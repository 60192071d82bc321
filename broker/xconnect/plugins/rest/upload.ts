import type { PolledStream } from "../../../shared/linux/polled-stream.ts";
import { CHUNK_END, chunkStart, lastChunk } from "../../../shared/protocols/http1/body-decoder.ts";
import type { Field } from "../../../shared/protocols/http1/fields.ts";
import type { Framing } from "../../../shared/protocols/http1/framing.ts";
import type { Quirks } from "../../../shared/quirks/quirks.ts";
import { passableFields } from "./identity.ts";
import { mayTrail } from "./trailers.ts";

export interface RestUploadOptions {
  readonly framing: Framing;
  /** Fields of the consumer's head: they govern the trailers as well. */
  readonly fields: readonly Field[];
  /** True when the request has been refused: the provider does not get the rest of it. */
  readonly isRefused?: boolean;
  readonly quirks: Quirks;
}

/** A request whose end has not been read. Its body goes on as it comes, in our own framing. */
export class RestUpload {
  readonly #options: RestUploadOptions;
  #isRefused: boolean;

  constructor(options: RestUploadOptions) {
    this.#options = options;
    this.#isRefused = options.isRefused === true;
  }

  /** Drop the rest of the request: the provider does not get it. */
  refuse(): void {
    this.#isRefused = true;
  }

  pass(bytes: Buffer, provider: PolledStream | undefined): void {
    if (this.#isRefused) return;
    if (this.#isChunked) provider?.writeText(chunkStart(bytes.length));
    provider?.write(bytes);
    if (this.#isChunked) provider?.writeText(CHUNK_END);
  }

  end(trailers: readonly Field[], provider: PolledStream | undefined): void {
    if (this.#isRefused) return;
    const { fields, quirks } = this.#options;
    if (!this.#isChunked) return;
    const passable = passableFields(trailers, fields, quirks).filter(mayTrail);
    provider?.writeText(lastChunk(passable));
  }

  get #isChunked(): boolean {
    return this.#options.framing.kind === "chunked";
  }
}
