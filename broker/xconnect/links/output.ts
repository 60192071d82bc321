import { EINTR, Scratch, writePipe } from "../../shared/linux/stream-io.ts";

/** Output of the broker's lines. */
export interface Output {
  /** Write a line to stdout, `times` times. */
  log(line: string, times?: number): void;
  /** Write a line to stderr. */
  warn(line: string): void;
  /** Write all pending lines; to be called before the process ends. */
  flush(): void;
}

/** Bytes that one write puts into a pipe whole or not at all (PIPE_BUF, pipe(7)). */
const ATOMIC = 4096;
const outgoing = new Scratch(4 * ATOMIC);

/**
 * Writes lines to the file descriptors within the same turn of the event loop: they are evidence
 * and must not be held back. Lines of one turn are written together, since a connection writes two
 * or three and each write wakes the reader of the log. stdout and stderr stay in order.
 */
export function createOutput(write: WriteText = writeText): Output {
  let pending = "";
  let isDue = false;
  const flush = () => {
    isDue = false;
    if (pending === "") return;
    write(1, pending);
    pending = "";
  };
  return {
    log: (line, times = 1) => {
      const text = textOf(line);
      for (let time = 0; time < times; time += 1) {
        if (pending.length + text.length > ATOMIC) flush();
        pending += text;
      }
      if (isDue) return;
      isDue = true;
      setImmediate(flush);
    },
    warn: (line) => {
      flush();
      write(2, textOf(line));
    },
    flush,
  };
}

type WriteText = (fd: number, text: string) => void;

/**
 * A line with its control characters replaced, since names and paths come from manifests. It stays
 * one line also for readers that break lines at U+0085 and U+2028, and it holds no control sequence
 * for a terminal (U+009B begins one).
 */
function textOf(line: string): string {
  return `${line.replace(/[\0-\x1f\x7f-\x9f\u2028\u2029]/g, "?")}\n`;
}

/** Write without node:fs, which would cost as much as all other work on a connection's lines. */
function writeText(fd: number, text: string): void {
  const bytes = Buffer.from(text, "utf8");
  for (let done = 0; done < bytes.length;) {
    const count = writePipe(fd, outgoing, 0, bytes.copy(outgoing.bytes, 0, done));
    // Drop the lines when the reader has gone (EPIPE) or is too slow (EAGAIN): mediation goes on.
    if (count < 0 && count !== EINTR) return;
    done += Math.max(count, 0);
  }
}
