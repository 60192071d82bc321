import type { PolledStream } from "../../../shared/linux/polled-stream.ts";
import type { Field } from "../../../shared/protocols/http1/fields.ts";
import { RestUpload } from "./upload.ts";

/** An upload that holds the body back until it is complete. */
export class BufferedUpload extends RestUpload {
  readonly #held: Buffer[] = [];

  override pass(bytes: Buffer): void {
    this.#held.push(Buffer.from(bytes));
  }

  override end(trailers: readonly Field[], provider: PolledStream | undefined): void {
    for (const bytes of this.#held) super.pass(bytes, provider);
    super.end(trailers, provider);
  }
}
