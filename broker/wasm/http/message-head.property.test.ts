import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PROPERTY_RUNS } from "../../shared/formats/property-runs.fixture.ts";
import { fieldsText } from "../../shared/protocols/http1/request-head.ts";
import { RequestParser } from "../../shared/protocols/http1/request-parser.ts";
import { GuestErrno } from "../guest-errno.ts";
import { fieldsOf, methodOf, targetOf } from "./message-head.ts";

/** Text that looks like HTTP, and text that does not. */
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom(...Array.from("aX-:_ /\r\n\t\0?é#%")), maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 40 }),
);
const bytes = text.map((value) => Buffer.from(value, "latin1"));

test("whatever a guest gives, one request with its own fields goes out, or none", () => {
  fc.assert(
    fc.property(bytes, bytes, bytes, (method, target, lines) => {
      let head: string;
      try {
        head = `${methodOf(method)} ${targetOf(target)} HTTP/1.1\r\nHost: localhost\r\n${fieldsText(fieldsOf(lines))}`;
      } catch (error) {
        expect(error).toBeInstanceOf(GuestErrno);
        return;
      }
      const parser = new RequestParser();
      parser.push(Buffer.from(head, "latin1"));
      expect(parser.next()).toMatchObject({ type: "head", framing: { kind: "none" } });
      expect(parser.next()).toMatchObject({ type: "end" });
      expect([parser.next(), parser.position]).toEqual([undefined, "idle"]);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

describe("refused", () => {
  test.each([
    "Host: x\n",
    "content-length: 1\n",
    "Transfer-Encoding: chunked\n",
    "a: b\r\nc: d\n",
    "a\n",
    " a: b\n",
    "a: b\n\nc: d\n",
  ])("the lines %j", (lines) => {
    expect(() => fieldsOf(Buffer.from(lines))).toThrow("EINVAL");
  });

  test("more than a head may have", () => {
    expect(() => fieldsOf(Buffer.from("a: b\n".repeat(101)))).toThrow("EMSGSIZE");
    expect(() => fieldsOf(Buffer.alloc(65 * 1024, "a"))).toThrow("EMSGSIZE");
    expect(() => targetOf(Buffer.alloc(65 * 1024, "/"))).toThrow("EMSGSIZE");
  });

  test("CONNECT, which has no response as others have", () => {
    expect(() => methodOf(Buffer.from("CONNECT"))).toThrow("EINVAL");
  });
});
