import koffi from "koffi";
import { GuestErrno } from "../guest-errno.ts";
import type { GuestMemory } from "../guest-memory.ts";
import type { Library, Pointer } from "./wasmedge-library.ts";

const PAGE = 64 * 1024;

/** The first memory of the module that makes a host call. */
export class WasmEdgeMemory implements GuestMemory {
  readonly #library: Library;
  #pointer: Pointer = null;
  #bytes = Buffer.alloc(0);

  constructor(library: Library) {
    this.#library = library;
  }

  /** Look at the memory as it is in this call: it moves when it grows. */
  use(frame: Pointer): void {
    const memory = this.#library.memoryOf(frame, 0);
    const size = memory === null ? 0 : this.#library.pages(memory) * PAGE;
    const pointer = size === 0 ? null : this.#library.bytesOf(memory, 0, size);
    if (pointer === null) {
      this.#pointer = null;
      this.#bytes = Buffer.alloc(0);
      return;
    }
    if (pointer === this.#pointer && size === this.#bytes.length) return;
    this.#pointer = pointer;
    this.#bytes = Buffer.from(koffi.view(pointer, size));
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(from: number, length: number): Buffer {
    return this.#bytes.subarray(from, from + length);
  }

  write(to: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, to);
  }

  isWritable(): boolean {
    return true;
  }

  map(): void {
    throw new GuestErrno("ENOTSUP");
  }

  unmap(): void {
    throw new GuestErrno("ENOTSUP");
  }
}
