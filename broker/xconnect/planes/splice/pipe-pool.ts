import { closePipe, makePipe } from "../../../shared/linux/pipe.ts";
import type { Pipe } from "../../../shared/linux/pipe.ts";

/**
 * Bytes that a direction of a session can hold. More is slower, since bytes should stay in the
 * processor's cache from the writer to the reader: 1 MiB gives two thirds of this speed.
 */
export const PIPE_SIZE = 256 * 1024;
/** Number of empty pipes that are kept for reuse. */
const MAX_EMPTY = 4;

/** Lends pipes to sessions while these hold bytes; an idle session has none. */
export class PipePool implements Disposable {
  readonly #empty: Pipe[] = [];

  /** @throws SystemCallError EMFILE, ENFILE */
  take(): Pipe {
    return this.#empty.pop() ?? makePipe(PIPE_SIZE);
  }

  giveBack(pipe: Pipe, isEmpty: boolean): void {
    if (isEmpty && this.#empty.length < MAX_EMPTY) this.#empty.push(pipe);
    else closePipe(pipe);
  }

  [Symbol.dispose](): void {
    for (const pipe of this.#empty.splice(0)) closePipe(pipe);
  }
}
