import { StreamReader } from "./stream-reader.ts";

/** A reader that goes on after an overflow as if nothing had been lost. */
export class SilentReader extends StreamReader {
  override resynchronise(): void {
    // Nothing is told.
  }
}
