import { closeSync, writeSync } from "node:fs";
import { fcntl } from "./fcntl.ts";
import { check, cString, libc } from "./libc.ts";

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
const F_SEAL_SEAL = 1;
const F_SEAL_SHRINK = 2;
const F_SEAL_GROW = 4;
const F_SEAL_WRITE = 8;

const memfdCreate = libc.func("int memfd_create(void *, unsigned int)") as (
  name: Buffer,
  flags: number,
) => number;

/** @returns an empty memfd that the caller owns */
export function createMemfd(name: string): number {
  return check(memfdCreate(cString(name), MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create", name);
}

/**
 * @returns a memfd that holds `content`, at offset 0, sealed against every change; the caller
 *          owns it
 */
export function sealedMemfd(name: string, content: Buffer): number {
  const fd = createMemfd(name);
  try {
    // Write at a position, so that the offset, which every holder shares, stays at the start.
    for (let done = 0; done < content.length;) {
      done += writeSync(fd, content, done, content.length - done, done);
    }
    const seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    check(fcntl(fd, F_ADD_SEALS, seals), "F_ADD_SEALS", name);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** True for a memfd with F_SEAL_SHRINK. */
export function cannotShrink(memfd: number): boolean {
  const seals = fcntl(memfd, F_GET_SEALS, 0);
  return seals !== -1 && (seals & F_SEAL_SHRINK) !== 0;
}
