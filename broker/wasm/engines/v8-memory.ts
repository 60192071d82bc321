import { closeSync, ftruncateSync, readSync, writeSync } from "node:fs";
import { constants } from "node:os";
import { addressOf, mapNothingOver, mapOver } from "../../shared/linux/mapped-memory.ts";
import { createMemfd } from "../../shared/linux/sealed-memfd.ts";
import { GuestErrno } from "../guest-errno.ts";
import type { GuestMemory } from "../guest-memory.ts";

const PAGE = 64 * 1024;
const { EACCES, EPERM } = constants.errno;

/** The memory that a module exports as `memory`; empty until then. */
export class V8Memory implements GuestMemory {
  #memory: WebAssembly.Memory | undefined;
  #bytes = Buffer.alloc(0);
  /** Lengths of the ranges on which files are mapped for reading, by their start. */
  readonly #readOnly = new Map<number, number>();

  use(memory: WebAssembly.Memory): void {
    this.#memory = memory;
  }

  get size(): number {
    return this.#all().length;
  }

  read(from: number, length: number): Buffer {
    return this.#all().subarray(from, from + length);
  }

  write(to: number, bytes: Uint8Array): void {
    this.#all().set(bytes, to);
  }

  isWritable(from: number, length: number): boolean {
    for (const [start, size] of this.#readOnly) {
      if (from < start + size && start < from + length) return false;
    }
    return true;
  }

  map(to: number, length: number, fd: number, writable: boolean): void {
    if (!canMap()) throw new GuestErrno("ENOTSUP");
    const result = mapOver(this.#addressOf(to), length, fd, writable);
    if (result === -EACCES || result === -EPERM) throw new GuestErrno("EACCES");
    if (result !== 0) throw new GuestErrno("ENOTSUP");
    if (!writable) this.#readOnly.set(to, length);
  }

  unmap(from: number, length: number): void {
    mapNothingOver(this.#addressOf(from), length);
    this.#readOnly.delete(from);
  }

  #addressOf(offset: number): bigint {
    return addressOf(this.#all().buffer) + BigInt(offset);
  }

  /** A view of the memory as it is now: memory.grow makes another buffer. */
  #all(): Buffer<ArrayBuffer> {
    const buffer = this.#memory?.buffer;
    if (buffer !== undefined && this.#bytes.buffer !== buffer) this.#bytes = Buffer.from(buffer);
    return this.#bytes;
  }
}

let isPossible: boolean | undefined;

/**
 * True when a file over the memory of a module is seen by it, and stays where it is when the memory
 * grows. V8 documents neither, so this tries both on a memory of its own.
 */
function canMap(): boolean {
  isPossible ??= tryMapping();
  return isPossible;
}

function tryMapping(): boolean {
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 4 });
  const fd = createMemfd("self-test");
  try {
    ftruncateSync(fd, PAGE);
    const before = addressOf(memory.buffer);
    if (mapOver(before + BigInt(PAGE), PAGE, fd, true) !== 0) return false;
    writeSync(fd, Buffer.of(1), 0, 1, 0);
    memory.grow(1);
    const bytes = new Uint8Array(memory.buffer);
    bytes[PAGE + 1] = 2;
    const seen = Buffer.alloc(2);
    readSync(fd, seen, 0, 2, 0);
    return addressOf(memory.buffer) === before && bytes[PAGE] === 1 && seen[1] === 2;
  } finally {
    closeSync(fd);
  }
}
