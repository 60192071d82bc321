import { closeSync, fstatSync, readSync, readdirSync, writeSync } from "node:fs";
import { createMemfd } from "../../shared/linux/sealed-memfd.ts";

export function memfd(content: string): number {
  const fd = createMemfd("fd");
  writeSync(fd, content);
  return fd;
}

/** The content of a file. Closes it. */
export function contentOf(fd: number): string {
  const bytes = Buffer.alloc(fstatSync(fd).size);
  readSync(fd, bytes, 0, bytes.length, 0);
  closeSync(fd);
  return bytes.toString();
}

/** Number of descriptors that this process has open. */
export function openFds(): number {
  return readdirSync("/proc/self/fd").length;
}
