import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PROPERTY_RUNS } from "../../shared/formats/property-runs.fixture.ts";
import { METHOD_CALL, parseHeader } from "../../shared/protocols/dbus/message-header.ts";
import { strings, writeMessage } from "../../shared/protocols/dbus/write-message.ts";
import { GuestErrno } from "../guest-errno.ts";
import { callOf } from "./call-arguments.ts";

const HEAD = "org.pvh.A\0/a\0org.pvh.I\0M\0";
const of = (head: string, signature = "", body: Buffer = Buffer.alloc(0)) =>
  callOf(Buffer.from(head, "latin1"), Buffer.from(signature), body);

test("a call becomes the message that the guest described", () => {
  const { bytes } = strings("text");
  const call = of(HEAD, "s", bytes);
  const message = writeMessage({ type: METHOD_CALL, serial: 1, ...call });
  expect(parseHeader(message, 0)).toMatchObject({
    destination: "org.pvh.A",
    path: "/a",
    interface: "org.pvh.I",
    member: "M",
    signature: "s",
    size: message.length,
  });
  expect(of("org.pvh.A\0/\0\0M\0").interface).toBe("");
});

describe("refused", () => {
  test.each([
    ["org.pvh.A\0/a\0org.pvh.I\0M", "", ""],
    ["org.pvh.A\0/a\0org.pvh.I\0M\0\0", "", ""],
    ["noname\0/a\0org.pvh.I\0M\0", "", ""],
    ["org.pvh.A\0a\0org.pvh.I\0M\0", "", ""],
    ["org.pvh.A\0/a\0I\0M\0", "", ""],
    ["org.pvh.A\0/a\0org.pvh.I\0M.M\0", "", ""],
    [HEAD, "s", ""],
    [HEAD, "", "x"],
    [HEAD, "z", ""],
    [HEAD, "h", "\0\0\0\0"],
    [HEAD, "b", "\x02\0\0\0"],
    [HEAD, "s", "\xff\xff\xff\xffx\0"],
  ])("%j with %j %j", (head, signature, body) => {
    expect(() => of(head, signature, Buffer.from(body, "latin1"))).toThrow("EINVAL");
  });

  test("a body of more than a message may have", () => {
    expect(() => of(HEAD, "ay", Buffer.alloc(2 ** 20))).toThrow("EMSGSIZE");
  });
});

test("whatever a guest gives, a message with a valid header goes out, or none", () => {
  const head = fc.oneof(fc.string({ unit: "binary" }), fc.constant(HEAD));
  const signature = fc.string({ unit: fc.constantFrom(...Array.from("suvay(){}b")), maxLength: 6 });
  fc.assert(
    fc.property(head, signature, fc.uint8Array({ maxLength: 40 }), (names, types, body) => {
      try {
        const message = writeMessage({
          type: METHOD_CALL,
          serial: 1,
          ...of(names, types, Buffer.from(body)),
        });
        expect(parseHeader(message, 0)).toMatchObject({ type: METHOD_CALL, size: message.length });
      } catch (error) {
        expect(error).toBeInstanceOf(GuestErrno);
      }
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
