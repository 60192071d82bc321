import { ERRNO, GuestErrno, GuestFailure } from "./guest-errno.ts";
import { isInside } from "./guest-memory.ts";
import type { GuestMemory } from "./guest-memory.ts";

/**
 * Host functions of a guest. JavaScript links an import whatever signature the module gives it, so
 * the arguments of each call are checked here, before anything happens: their number, their types,
 * and each range of memory that they name.
 */
export interface HostFunction {
  readonly parameters: readonly ValueType[];
  /** Types of its results; that of an errno alone, or none. */
  readonly results: readonly ValueType[];
  /** @throws GuestFailure when the module imports it with another signature */
  readonly call: (memory: GuestMemory, values: readonly unknown[]) => number;
}

export type ValueType = "i32" | "i64";

/** Functions by name. */
export type HostModule = Readonly<Record<string, HostFunction>>;
export type HostModules = ReadonlyMap<string, HostModule>;

/** A parameter as the function has it, made of one or more values of the guest. */
interface Parameter<T> {
  readonly values: readonly ValueType[];
  /** @throws GuestErrno EFAULT for a range outside of the memory */
  readonly take: (memory: GuestMemory, values: readonly (number | bigint)[]) => T;
}

/** An unsigned number. */
export const number: Parameter<number> = {
  values: ["i32"],
  take: (_memory, [value]) => Number(value) >>> 0,
};

/** A position in a file, of 64 bits. */
export const position: Parameter<number> = {
  values: ["i64"],
  take(_memory, [value]) {
    const offset = Number(BigInt.asUintN(64, BigInt(value ?? 0)));
    if (!Number.isSafeInteger(offset)) throw new GuestErrno("EINVAL");
    return offset;
  },
};

/** A number of 64 bits that means nothing here. */
export const ignored: Parameter<void> = { values: ["i64"], take: () => undefined };

/** The whole memory, for records that name ranges themselves. */
export const memory: Parameter<GuestMemory> = { values: [], take: (all) => all };

/** Bytes that the guest gives, as pointer and length; on loan until the call returns. */
export const input: Parameter<Buffer> = {
  values: ["i32", "i32"],
  take(memory, [pointer, length]) {
    const [from, count] = [Number(pointer) >>> 0, Number(length) >>> 0];
    if (!isInside(memory, from, count)) throw new GuestErrno("EFAULT");
    return memory.read(from, count);
  },
};

/** Room of the guest for bytes, as pointer and capacity. */
export interface Room {
  readonly capacity: number;
  /** @param bytes at most `capacity` */
  readonly fill: (bytes: Uint8Array) => void;
}

export const room: Parameter<Room> = {
  values: ["i32", "i32"],
  take(memory, [pointer, length]) {
    const [to, capacity] = [Number(pointer) >>> 0, Number(length) >>> 0];
    refuseUnwritable(memory, to, capacity);
    return { capacity, fill: (bytes) => memory.write(to, bytes) };
  },
};

/**
 * Give the guest all of these bytes and tell their number, or that alone when there is no room.
 * @throws GuestErrno EMSGSIZE
 */
export function giveAll(bytes: Buffer, { capacity, fill }: Room, out: WriteWords): void {
  out(bytes.length);
  if (bytes.length > capacity) throw new GuestErrno("EMSGSIZE");
  fill(bytes);
}

/** A record of a fixed size that the function writes. */
export function record(size: number): Parameter<(bytes: Uint8Array) => void> {
  return {
    values: ["i32"],
    take(memory, [pointer]) {
      const to = Number(pointer) >>> 0;
      refuseUnwritable(memory, to, size);
      return (bytes) => memory.write(to, bytes);
    },
  };
}

/** Numbers of 32 bits that the function writes one after the other. */
export type WriteWords = (...words: readonly number[]) => void;

/** Room for this many numbers. */
export function words(count: number): Parameter<WriteWords> {
  return {
    values: ["i32"],
    take(memory, [pointer]) {
      const to = Number(pointer) >>> 0;
      refuseUnwritable(memory, to, count * 4);
      return (...values) => memory.write(to, Uint8Array.from(littleEndian(values)));
    },
  };
}

type Taken<T extends readonly Parameter<unknown>[]> = {
  [K in keyof T]: T[K] extends Parameter<infer U> ? U : never;
};

/**
 * A host function that returns an errno.
 * @param run throws GuestErrno; returns nothing when all is well
 */
export function hostFunction<const T extends readonly Parameter<unknown>[]>(
  parameters: T,
  run: (...taken: Taken<T>) => void,
): HostFunction {
  const types = parameters.flatMap(({ values }) => values);
  return {
    parameters: types,
    results: ["i32"],
    call(memory, values) {
      const checked = checkValues(types, values);
      try {
        let at = 0;
        const taken = parameters.map((one) => {
          const own = checked.slice(at, (at += one.values.length));
          return one.take(memory, own);
        });
        run(...(taken as unknown as Taken<T>));
        return ERRNO.OK;
      } catch (error) {
        if (error instanceof GuestErrno) return error.errno;
        throw error;
      }
    },
  };
}

/** @throws GuestFailure unless these are values of these types */
export function checkValues(
  types: readonly ValueType[],
  values: readonly unknown[],
): readonly (number | bigint)[] {
  const fits = (type: ValueType, value: unknown): boolean =>
    type === "i64" ? typeof value === "bigint" : Number.isInteger(value);
  if (values.length === types.length && types.every((type, at) => fits(type, values[at]))) {
    return values as readonly (number | bigint)[];
  }
  throw new GuestFailure(`called with other arguments than (${types.join(", ")})`);
}

/** @throws GuestErrno EFAULT */
export function refuseUnwritable(memory: GuestMemory, to: number, length: number): void {
  if (isInside(memory, to, length) && memory.isWritable(to, length)) return;
  throw new GuestErrno("EFAULT");
}

function* littleEndian(values: readonly number[]): Generator<number> {
  for (const value of values) {
    for (let shift = 0; shift < 32; shift += 8) yield (value >>> shift) & 0xff;
  }
}
