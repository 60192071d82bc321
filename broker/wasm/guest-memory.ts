/**
 * Memory of the guest, as host functions use it. An engine implements it; nothing of it is kept
 * from one call to the next, since the memory may grow and move.
 */
export interface GuestMemory {
  /** Bytes; 0 before the module is instantiated, and for a module without memory. */
  readonly size: number;
  /** Bytes of a range inside the memory, on loan until the guest runs again. */
  read(from: number, length: number): Buffer;
  /** Copy bytes to a range inside the memory. */
  write(to: number, bytes: Uint8Array): void;
  /** False where a host function must not write: on shared memory that is mapped for reading. */
  isWritable(from: number, length: number): boolean;
  /**
   * Lay the beginning of a file over a range of whole pages of 4 KiB.
   * @throws GuestErrno ENOTSUP where the engine cannot, EACCES where the file does not allow it
   */
  map(to: number, length: number, fd: number, writable: boolean): void;
  /** Put fresh memory where a file was mapped. */
  unmap(from: number, length: number): void;
}

/**
 * True when the range is inside the memory. Both numbers are unsigned, and their sum is exact, so
 * that no range wraps around.
 */
export function isInside({ size }: GuestMemory, from: number, length: number): boolean {
  return from + length <= size;
}
