import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PolledStream } from "../../../shared/linux/polled-stream.ts";
import { PROPERTY_RUNS } from "../../../shared/formats/property-runs.fixture.ts";
import { DbusOutbox } from "./outbox.ts";
import { DbusPeers } from "./peers.ts";
import { DbusPolicy } from "./policy.ts";
import { DbusSessionState } from "./session-state.ts";

it("messages of the broker never go between the parts of another, and none is lost", () => {
  const step = fc.record({
    what: fc.constantFrom("insert" as const, "part" as const, "last" as const, "flush" as const),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const written: string[] = [];
      const stream = {
        stalled: false,
        write: (bytes: Buffer) => void written.push(bytes.toString()),
      };
      // The edge of the process: a fake stream records what the kernel would get.
      const outbox = new DbusOutbox(stream as unknown as PolledStream);
      let inserted = 0;
      let message = 0;
      let inMessage = false;
      for (const { what } of steps) {
        if (what === "insert") outbox.insert(Buffer.from(`i${(inserted += 1)}`));
        else if (what === "flush") outbox.flush();
        else {
          if (!inMessage) message += 1;
          inMessage = what === "part";
          outbox.pass(Buffer.from(`${inMessage ? "p" : "l"}${message}`), !inMessage);
        }
      }
      outbox.pass(Buffer.from(`l${inMessage ? message : (message += 1)}`), true);
      outbox.flush();
      const own = written.filter((one) => one.startsWith("i"));
      expect(own).toEqual(Array.from({ length: inserted }, (_, index) => `i${index + 1}`));
      // A part of a message is followed by its next part, until the last one.
      const torn = written.find(
        (one, index) => one.startsWith("p") && written[index + 1]?.slice(1) !== one.slice(1),
      );
      expect(torn).toBeUndefined();
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

describe("what a session knows", () => {
  const policy = new DbusPolicy([
    [
      { access: "talk", name: "a.b" },
      { access: "own", name: "o.o" },
    ],
  ]);

  it("of peers follows the names that they own now, and whom it has seen", () => {
    const unique = fc.constantFrom(":1.1", ":1.2");
    const step = fc.record({
      what: fc.constantFrom(
        "owns" as const,
        "releases" as const,
        "seen" as const,
        "forget" as const,
      ),
      who: unique,
      name: fc.constantFrom("a.b", "o.o"),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const peers = new DbusPeers(policy);
        const names = new Map<string, Set<string>>();
        const known = new Set<string>();
        for (const { what, who, name } of steps) {
          if (what === "seen" || what === "forget") peers[what](who);
          else peers[what](who, name);
          const own = names.get(who) ?? new Set();
          names.set(who, own);
          if (what === "owns") own.add(name);
          if (what === "releases") own.delete(name);
          if (what === "forget") own.clear();
          if (what === "forget") known.delete(who);
          else if (what !== "releases") known.add(who);
        }
        for (const who of [":1.1", ":1.2"]) {
          const own = names.get(who) ?? new Set();
          const level = own.has("o.o") ? 3 : own.has("a.b") ? 2 : known.has(who) ? 1 : 0;
          expect(peers.levelOf(who)).toBe(level);
          const any = { path: "/", interface: "i.j", member: "M" };
          expect(peers.maySend(who, any)).toBe(own.size > 0);
        }
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("of match rules and serials is what was added and not yet taken", () => {
    const step = fc.record({
      adds: fc.boolean(),
      text: fc.constantFrom("a=1", "b=2", "member=NameOwnerChanged"),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const state = new DbusSessionState(policy);
        const rules: string[] = [];
        const serials = new Set<number>();
        for (const { adds, text } of steps) {
          const at = rules.indexOf(text);
          if (adds) {
            state.matchRules.ask(text);
            state.matchRules.take(text);
            rules.push(text);
            state.addIncomingCall(text, rules.length);
          } else {
            expect(state.matchRules.remove(text)).toBe(at !== -1);
            if (at !== -1) rules.splice(at, 1);
          }
          // A serial of a consumer's unanswered call is passed over.
          state.expect(2 ** 32 - 2 - serials.size, { kind: "any", destination: "x" });
          const serial = state.nextSerial();
          expect(state.expected.has(serial) || serials.has(serial)).toBe(false);
          serials.add(serial);
        }
        expect(state.matchRules.size).toBe(rules.length);
        expect(state.takeIncomingCall("a=1", 99)).toBe(false);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});
