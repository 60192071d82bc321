import { writeSync } from "node:fs";
import type { Quirks } from "../quirks/quirks.ts";

/** Where the broker's lines go. */
export interface Output {
  /** stdout */
  log(line: string): void;
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
    log: (line) => {
      if (silent) held.push(line);
      else write(1, line);
    },
    warn: (line) => write(2, line),
    flush: () => {
      for (const line of held.splice(0)) write(1, line);
    },
  };
}

function write(fd: number, line: string): void {
  // Names and paths come from manifests: a line stays one line.
  const bytes = Buffer.from(`${line.replace(/[\0-\x1f\x7f]/g, "?")}\n`, "utf8");
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
  } catch {
    // Nobody reads (EPIPE), or not fast enough (EAGAIN): mediation goes on without the line.
  }
}
