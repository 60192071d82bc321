import { GuestErrno } from "../guest-errno.ts";
import { isInside } from "../guest-memory.ts";
import type { GuestMemory } from "../guest-memory.ts";

/** Vectors of one call (IOV_MAX). */
const MAX_VECTORS = 1024;
const VECTOR = 8;

/** A range of the guest's memory. */
export interface Vector {
  readonly from: number;
  readonly length: number;
}

/**
 * The vectors of a read or a write, all of them inside the memory.
 * @throws GuestErrno EINVAL for more than 1,024, EFAULT
 */
export function vectorsOf(memory: GuestMemory, at: number, count: number): Vector[] {
  if (count > MAX_VECTORS) throw new GuestErrno("EINVAL");
  if (!isInside(memory, at, count * VECTOR)) throw new GuestErrno("EFAULT");
  const table = Buffer.from(memory.read(at, count * VECTOR));
  return Array.from({ length: count }, (_, index) => {
    const from = table.readUInt32LE(index * VECTOR);
    const length = table.readUInt32LE(index * VECTOR + 4);
    if (!isInside(memory, from, length)) throw new GuestErrno("EFAULT");
    return { from, length };
  });
}
