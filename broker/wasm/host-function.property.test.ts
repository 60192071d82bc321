import fc from "fast-check";
import { expect, test } from "vitest";
import { PROPERTY_RUNS } from "../shared/formats/property-runs.fixture.ts";
import { none } from "../shared/quirks/quirks.ts";
import { dbusModule } from "./dbus/module.ts";
import { ERRNO, GuestFailure } from "./guest-errno.ts";
import { READ_ONLY, testMemory } from "./guest-memory.fixture.ts";
import { hostFunction, input, number, room, words } from "./host-function.ts";
import type { HostModule, ValueType } from "./host-function.ts";
import { httpModule } from "./http/module.ts";
import { shmModule } from "./shm/module.ts";
import { preview1 } from "./wasi/preview1.ts";

const SIZE = 4096;
/** Numbers around every limit of a memory of 4 KiB and of 32 bits. */
const i32 = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.constantFrom(0, 1, READ_ONLY, SIZE - 1, SIZE, SIZE + 1, -1, -SIZE, 2 ** 31 - 1, 0x40000000),
  fc.nat(SIZE),
);
const i64 = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.constant(0n));
const valueOf = (type: ValueType) => (type === "i32" ? i32 : i64);

const wasi = preview1({
  args: ["guest", "word"],
  env: { A: "b" },
  console: { write: () => undefined },
  exit: () => {
    throw new GuestFailure("exit");
  },
  random: (length) => Buffer.alloc(length),
  sleep: () => undefined,
});
// No service is declared, so that no call gets as far as a socket.
const modules: Readonly<Record<string, HostModule>> = {
  wasi,
  http: httpModule([], new Map(), none),
  dbus: dbusModule([]),
  shm: shmModule([], none),
};
const functions = Object.entries(modules).flatMap(([module, all]) =>
  Object.entries(all).map(([name, one]) => ({ name: `${module}.${name}`, ...one })),
);

test("whatever numbers a guest passes, a function returns an errno and stays in the memory", () => {
  const numbers = new Set<number>(Object.values(ERRNO));
  const call = fc
    .constantFrom(...functions)
    .chain((one) => fc.tuple(fc.constant(one), fc.tuple(...one.parameters.map(valueOf))));
  fc.assert(
    fc.property(call, fc.uint8Array({ size: "max", maxLength: SIZE }), ([one, values], content) => {
      const memory = testMemory(SIZE);
      memory.bytes.set(content);
      const kept = Buffer.from(memory.bytes.subarray(0, READ_ONLY));
      if (one.name === "wasi.proc_exit") return;
      expect(numbers).toContain(one.call(memory, values));
      expect(memory.bytes.subarray(0, READ_ONLY)).toEqual(kept);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

test.each(functions)(
  "$name is called with its own number and types of values, or not at all",
  ({ parameters, call }) => {
    const memory = testMemory(SIZE);
    const right = parameters.map((type) => (type === "i32" ? 0 : 0n));
    const wrong = [
      [...right, 0],
      right.map((value) => (value === 0 ? 0n : 0)),
      right.map(() => 1.5),
    ];
    if (right.length > 0)
      wrong.push(
        right.slice(1),
        right.map(() => undefined as never),
      );
    for (const values of wrong.filter((one) => one.length > 0 || right.length > 0)) {
      expect(() => call(memory, values)).toThrow(GuestFailure);
    }
  },
);

test("a range is checked before the function runs, and the memory behind its end is not touched", () => {
  let calls = 0;
  const { call } = hostFunction([input, room, number, words(2)], (bytes, target, value, out) => {
    calls += 1;
    target.fill(bytes);
    out(value, bytes.length);
  });
  const memory = testMemory(SIZE);
  memory.bytes.write("text", 100);
  expect(call(memory, [100, 4, 200, 4, -1, 300])).toBe(ERRNO.OK);
  expect(memory.bytes.toString("latin1", 200, 204)).toBe("text");
  expect([memory.bytes.readUInt32LE(300), memory.bytes.readUInt32LE(304)]).toEqual([
    2 ** 32 - 1,
    4,
  ]);
  for (const values of [
    [SIZE - 3, 4, 200, 4, 0, 300],
    [100, -1, 200, 4, 0, 300],
    [100, 4, SIZE, 1, 0, 300],
    [100, 4, 200, 4, 0, SIZE - 7],
    [100, 4, 0, 4, 0, 300],
    [-1, 2, 200, 4, 0, 300],
  ]) {
    expect(call(memory, values)).toBe(ERRNO.EFAULT);
  }
  expect(calls).toBe(1);
});
