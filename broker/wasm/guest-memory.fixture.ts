import type { GuestMemory } from "./guest-memory.ts";

/** Memory for tests that refuses each range outside of it by an error of its own. */
export function testMemory(size: number): GuestMemory & { readonly bytes: Buffer } {
  const bytes = Buffer.alloc(size);
  const inside = (from: number, length: number): Buffer => {
    if (from < 0 || from + length > size) throw new Error(`${from}+${length} is outside`);
    return bytes.subarray(from, from + length);
  };
  return {
    bytes,
    size,
    read: inside,
    write: (to, source) => inside(to, source.length).set(source),
    isWritable: (from) => from >= READ_ONLY,
    map: () => undefined,
    unmap: () => undefined,
  };
}

/** Bytes at the beginning of test memory on which no host function may write. */
export const READ_ONLY = 16;
