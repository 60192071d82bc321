import type { WriteStream } from "node:tty";

/**
 * Note what becomes of the words on an output, so that losing it ends nothing: a run has an
 * appengine to remove and a verdict to give, whoever reads on.
 *
 * A reader that goes away (`pvh ls | head`, a closed terminal) is no error of ours; a disk that is full is.
 * @returns waits until all is written, and tells why something is not
 */
export function watchOutput(output: WriteStream): () => Promise<Error | undefined> {
  let lost: Error | undefined;
  output.on("error", (error: NodeJS.ErrnoException) => {
    // A terminal that was closed answers EIO.
    const nobodyReads = error.code === "EPIPE" || (error.code === "EIO" && output.isTTY);
    if (!nobodyReads) lost ??= error;
  });
  return async () => {
    await new Promise<void>((resolve) => output.write("", () => resolve()));
    return lost;
  };
}
