import { StreamReader } from "./stream-reader.ts";

/** Reads between two that are lost. */
const PERIOD = 100;

/** A reader that loses some frames, and does not say so. */
export class DroppingReader extends StreamReader {
  #count = 0;

  override take(frames: Buffer): void {
    this.#count += 1;
    if (this.#count % PERIOD !== 0) super.take(frames);
  }
}
