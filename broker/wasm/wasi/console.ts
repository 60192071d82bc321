import { fstatSync, ftruncateSync, writeSync } from "node:fs";

/** Bytes of console.log before it begins anew, so that a guest cannot fill the disk. */
const MAX_LOG = 16 * 1024 * 1024;

/** Standard output and error of the guest. */
export interface Console {
  write(fd: 1 | 2, bytes: Uint8Array): void;
}

/** The descriptors 1 and 2 of this process: both append to console.log. */
export function logConsole(): Console {
  return {
    write(fd, bytes) {
      const { size } = fstatSync(fd);
      if (size > 0 && size + bytes.length > MAX_LOG) ftruncateSync(fd, 0);
      for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
    },
  };
}
