import { writeSync } from "node:fs";
import type { Quirks } from "../quirks/quirks.ts";

/** Where the broker's lines go. */
export interface Output {
  /** stdout; `times` times, in one write */
  log(line: string, times?: number): void;
  /** stderr */
  warn(line: string): void;
  /** Before the process ends. */
  flush(): void;
}

/** Written to the file descriptors at once: lines are evidence, and a pipe must not hold them back. */
export function createOutput(quirks: Quirks): Output {
  const held: string[] = [];
  const silent = quirks.has("xconnect-silent");
  return {
    log: (line, times = 1) => {
      const text = textOf(line).repeat(times);
      if (silent) held.push(text);
      else write(1, text);
    },
    warn: (line) => write(2, textOf(line)),
    flush: () => {
      for (const text of held.splice(0)) write(1, text);
    },
  };
}

/** Names and paths come from manifests: a line stays one line. */
function textOf(line: string): string {
  return `${line.replace(/[\0-\x1f\x7f]/g, "?")}\n`;
}

function write(fd: number, text: string): void {
  const bytes = Buffer.from(text, "utf8");
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
  } catch {
    // Nobody reads (EPIPE), or not fast enough (EAGAIN): mediation goes on without the line.
  }
}
