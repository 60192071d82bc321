import type { WriteStream } from "node:tty";

/**
 * Watch an output for errors, so that losing it does not end the process: a run must still remove
 * its appengine and give its verdict.
 *
 * A reader that goes away (`pvh ls | head`, a closed terminal) is not reported; a full disk is.
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
