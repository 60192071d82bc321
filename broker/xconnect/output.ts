import { EINTR, Scratch, writePipe } from "../linux/stream-io.ts";
import type { Quirks } from "../quirks/quirks.ts";

/** Where the broker's lines go. */
export interface Output {
  /** stdout; `times` times */
  log(line: string, times?: number): void;
  /** stderr */
  warn(line: string): void;
  /** Before the process ends. */
  flush(): void;
}

/** Bytes that a pipe takes whole or not at all (PIPE_BUF, pipe(7)). */
const ATOMIC = 4096;
const outgoing = new Scratch(4 * ATOMIC);

/**
 * Lines go to the file descriptors within the same turn of the event loop: they are evidence,
 * and a pipe must not hold them back. Those of one turn are written together, as a connection
 * says two or three of them and each write wakes whoever reads the log; both descriptors stay
 * in order.
 */
export function createOutput(quirks: Quirks, write: WriteText = writeText): Output {
  const isSilent = quirks.has("xconnect-silent");
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
        if (!isSilent && pending.length + text.length > ATOMIC) flush();
        pending += text;
      }
      if (isSilent || isDue) return;
      isDue = true;
      setImmediate(flush);
    },
    warn: (line) => {
      if (!isSilent) flush();
      write(2, textOf(line));
    },
    flush,
  };
}

type WriteText = (fd: number, text: string) => void;

/**
 * Names and paths come from manifests: a line stays one line, also for readers that break lines
 * at U+0085 and U+2028, and no terminal is told anything (U+009B begins a control sequence).
 */
function textOf(line: string): string {
  return `${line.replace(/[\0-\x1f\x7f-\x9f\u2028\u2029]/g, "?")}\n`;
}

/** Without node:fs, which would cost as much as the rest of what a connection says. */
function writeText(fd: number, text: string): void {
  const bytes = Buffer.from(text, "utf8");
  for (let done = 0; done < bytes.length;) {
    const count = writePipe(fd, outgoing, 0, bytes.copy(outgoing.bytes, 0, done));
    // Nobody reads (EPIPE), or not fast enough (EAGAIN): mediation goes on without the lines.
    if (count < 0 && count !== EINTR) return;
    done += Math.max(count, 0);
  }
}
