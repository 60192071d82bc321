import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PROPERTY_RUNS } from "../../../shared/formats/property-runs.fixture.ts";
import { encodeMessage as wire } from "../../../shared/protocols/wayland/encode-message.ts";
import type { ForeignFd } from "../../planes/foreign-fds.ts";
import { Conversation, POLICY } from "./conversation.fixture.ts";
import { Fault } from "./fault.ts";
import { Mediator } from "./mediator.ts";
import { MAX_UNCLAIMED, WaylandWay } from "./way.ts";

describe("a session in which both sides keep the rules", () => {
  it("passes every message and fd in order however it is cut, and leaves no fd and no object", () => {
    const steps = fc.array(fc.nat(100_000), { maxLength: 200, size: "max" });
    fc.assert(
      fc.property(steps, (choices) => {
        const conversation = new Conversation();
        for (const choice of choices) conversation.step(choice);
        conversation.finish();
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

describe("a session in which both sides send anything", () => {
  const object = fc.constantFrom(1, 2, 2, 3, 4, 5, 0xff00_0000);
  const word = fc.oneof(fc.nat(8), fc.constantFrom(0xff00_0000, 0xffff_ffff));
  const name = fc.constantFrom("wl_shm", "wl_seat", "xdg_wm_base", "wl_shm\0", "");
  const right = fc.constantFrom<[number, string]>([1, "wl_shm"], [2, "wl_seat"]);
  const bind = fc
    .tuple(fc.oneof(right, right, fc.tuple(fc.nat(4), name)), fc.nat(8), fc.constantFrom(3, 4, 5))
    .map(([[global, wanted], version, id]) => wire(2, 0, global, wanted, version, id));
  const global = fc
    .tuple(fc.nat(3), name, fc.nat(8))
    .map(([global, offered, version]) => wire(2, 0, global, offered, version));
  const anything = fc
    .tuple(object, fc.nat(5), fc.array(word, { maxLength: 4 }))
    .map(([id, opcode, values]) => wire(id, opcode, ...values));
  const registry = fc.constantFrom(3, 4, 5).map((id) => wire(1, 1, id));
  const removed = fc.nat(3).map((one) => wire(2, 1, one));
  const torn = fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes));
  const start = [
    wire(1, 1, 2),
    wire(2, 0, 1, "wl_shm", 1),
    wire(2, 0, 2, "wl_seat", 9),
    wire(2, 0, 3, "xdg_wm_base", 3),
  ] as const;
  const step = fc.record({
    isUp: fc.boolean(),
    up: fc.oneof({ weight: 12, arbitrary: bind }, registry, anything, torn),
    down: fc.oneof({ weight: 12, arbitrary: global }, removed, anything, torn),
    fds: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.constantFrom(1, 2, 33, 64)),
    cut: fc.nat(40),
  });

  it("gives each fd one owner, and no bind arrives but of a global as it was told", () => {
    let bound = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const mediator = new Mediator(POLICY);
        const told = new Map<number, string>();
        const owned = { up: new Set<number>(), down: new Set<number>() };
        const own = (side: Set<number>, fds: readonly ForeignFd[]) => {
          for (const { fd } of fds) {
            expect(side.has(fd)).toBe(false);
            side.add(fd);
          }
        };
        const up = new WaylandWay({
          skip: (...place) => mediator.skipRequests(...place),
          judge: (...message) => mediator.request(...message),
          pass: (bytes, fds) => {
            own(owned.up, fds);
            for (const { object: id, opcode, body } of messages(bytes)) {
              if (id !== 2 || opcode !== 0) continue;
              bound += 1;
              const [wanted = "", version = 0] = (told.get(body.readUInt32LE(0)) ?? "").split(" ");
              const length = body.readUInt32LE(4);
              expect(body.toString("latin1", 8, 8 + length - 1)).toBe(wanted);
              const asked = body.readUInt32LE(8 + ((length + 3) & ~3));
              expect(asked).toBeGreaterThan(0);
              expect(asked).toBeLessThanOrEqual(Number(version));
            }
          },
        });
        const down = new WaylandWay({
          skip: (...place) => mediator.skipEvents(...place),
          judge: (...message) => mediator.event(...message),
          pass: (bytes, fds) => {
            own(owned.down, fds);
            for (const { object: id, opcode, body } of messages(bytes)) {
              if (id !== 2 || opcode !== 0) continue;
              const length = body.readUInt32LE(4);
              const offered = body.toString("latin1", 8, 8 + length - 1);
              expect([...POLICY.keys()]).toContain(offered);
              const version = body.readUInt32LE(8 + ((length + 3) & ~3));
              told.set(body.readUInt32LE(0), `${offered} ${version}`);
            }
          },
        });
        const [first, ...globals] = start;
        up.take(first, []);
        for (const event of globals) down.take(Buffer.from(event), []);
        let given = 0;
        const isOver = steps.some(({ isUp, up: request, down: event, fds: count, cut }) => {
          const way = isUp ? up : down;
          const bytes = Buffer.from(isUp ? request : event);
          const fds = Array.from({ length: count }, () => ({
            fd: (given += 1),
            kind: { type: "memfd" as const, name: "memfd" },
          }));
          try {
            way.take(Buffer.concat([way.rest, bytes.subarray(0, cut)]), fds);
            way.take(Buffer.concat([way.rest, bytes.subarray(cut)]), []);
            return false;
          } catch (error) {
            if (error instanceof Fault) return true;
            throw error;
          }
        });
        own(owned.up, up.takeUnclaimed());
        own(owned.down, down.takeUnclaimed());
        expect(owned.up.size + owned.down.size).toBe(given);
        if (!isOver) expect(given).toBeLessThanOrEqual(2 * MAX_UNCLAIMED + steps.length);
      }),
      { numRuns: PROPERTY_RUNS },
    );
    expect(bound).toBeGreaterThan(0);
  });

  function messages(bytes: Buffer): { object: number; opcode: number; body: Buffer }[] {
    const found = [];
    for (let at = 0; at < bytes.length; at += bytes.readUInt16LE(at + 6)) {
      const body = bytes.subarray(at + 8, at + bytes.readUInt16LE(at + 6));
      found.push({ object: bytes.readUInt32LE(at), opcode: bytes.readUInt16LE(at + 4), body });
    }
    return found;
  }
});
