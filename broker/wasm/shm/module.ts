import { readSync, writeSync } from "node:fs";
import type { GuestService } from "../../shared/formats/wasm-guest.ts";
import { cannotShrink } from "../../shared/linux/sealed-memfd.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { GuestErrno } from "../guest-errno.ts";
import { isInside } from "../guest-memory.ts";
import type { GuestMemory } from "../guest-memory.ts";
import {
  hostFunction,
  input,
  memory,
  number,
  position,
  record,
  refuseUnwritable,
  words,
} from "../host-function.ts";
import type { HostModule } from "../host-function.ts";
import { Services } from "../services.ts";
import { SharedFile } from "./shared-file.ts";

export const SHM_MODULE = "pantavisor_shm";

/** An address is a multiple of a page of WebAssembly; the host's pages are not larger. */
const ALIGNMENT = 64 * 1024;
const HOST_PAGE = 4096;
const WRITE = 1;
const CHUNK = 1024 * 1024;

/** Host module `pantavisor_shm` (docs/wasm.md): memory of a provider, mapped or copied. */
export function shmModule(requires: readonly GuestService[], quirks: Quirks): HostModule {
  const services = new Services(requires, "unix");
  const files = new Map<string, SharedFile>();
  /** Lengths of what is mapped, by address. */
  const mapped = new Map<number, number>();
  const isChecked = !quirks.has("wasm-shm-unchecked");

  const fileOf = (name: Buffer): SharedFile => {
    const service = services.find(name);
    const known = files.get(service.name);
    if (known?.isLinked === true) return known;
    files.delete(service.name);
    // Mappings of it stay.
    known?.close();
    const file = SharedFile.open(service);
    files.set(service.name, file);
    return file;
  };
  const refuseRange = (all: GuestMemory, address: number, length: number): void => {
    if (address % ALIGNMENT !== 0) throw new GuestErrno("EINVAL");
    if (!isInside(all, address, length)) throw new GuestErrno("EFAULT");
    for (const [start, size] of mapped) {
      if (address < start + size && start < address + length) throw new GuestErrno("EINVAL");
    }
  };

  return {
    pv_map_shared_memory: hostFunction(
      [memory, input, number, number, number, words(1)],
      (all, name, address, capacity, flags, out) => {
        if ((flags & ~WRITE) !== 0) throw new GuestErrno("EINVAL");
        if (isChecked) refuseRange(all, address, capacity);
        const file = fileOf(name);
        const { size } = file;
        const length = Math.ceil(size / HOST_PAGE) * HOST_PAGE;
        if (size === 0 || size >= 2 ** 32) throw new GuestErrno("EMSGSIZE");
        out(size);
        if (isChecked && length > capacity) throw new GuestErrno("EMSGSIZE");
        if (isChecked && !cannotShrink(file.fd)) throw new GuestErrno("EACCES");
        all.map(address, length, file.fd, (flags & WRITE) !== 0);
        mapped.set(address, length);
      },
    ),
    pv_unmap_shared_memory: hostFunction([memory, number], (all, address) => {
      const length = mapped.get(address);
      if (length === undefined) throw new GuestErrno("EINVAL");
      mapped.delete(address);
      all.unmap(address, length);
    }),
    shm_size: hostFunction([input, record(8)], (name, write) => {
      const size = Buffer.alloc(8);
      size.writeBigUInt64LE(BigInt(fileOf(name).size));
      write(size);
    }),
    shm_read: hostFunction(
      [memory, input, position, number, number],
      (all, name, offset, to, length) => {
        refuseUnwritable(all, to, length);
        const file = fileOf(name);
        refuseBeyond(file, offset, length);
        for (let done = 0; done < length;) {
          const chunk = Buffer.alloc(Math.min(CHUNK, length - done));
          const count = readSync(file.fd, chunk, 0, chunk.length, offset + done);
          if (count === 0) throw new GuestErrno("EIO");
          all.write(to + done, chunk.subarray(0, count));
          done += count;
        }
      },
    ),
    shm_write: hostFunction([input, position, input], (name, offset, bytes) => {
      const file = fileOf(name);
      refuseBeyond(file, offset, bytes.length);
      try {
        for (let done = 0; done < bytes.length;) {
          done += writeSync(file.fd, bytes, done, bytes.length - done, offset + done);
        }
      } catch {
        // The provider has sealed it against writing.
        throw new GuestErrno("EACCES");
      }
    }),
  };
}

/** A write never makes the provider's memory longer. */
function refuseBeyond({ size }: SharedFile, offset: number, length: number): void {
  if (offset + length > size) throw new GuestErrno("EINVAL");
}
