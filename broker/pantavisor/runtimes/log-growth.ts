import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";

/** Bytes of a log that are read at most. */
const TAIL = 64 * 1024;

/** @returns reads what has been written to a log since this call, its last part if it is much */
export function logGrowth(path: string): () => string {
  const start = existsSync(path) ? statSync(path).size : 0;
  return () => {
    if (!existsSync(path)) return "";
    const fd = openSync(path, "r");
    try {
      const size = statSync(path).size;
      const from = Math.max(start, size - TAIL);
      const buffer = Buffer.alloc(Math.max(0, size - from));
      return buffer.toString("utf8", 0, readSync(fd, buffer, 0, buffer.length, from));
    } finally {
      closeSync(fd);
    }
  };
}
