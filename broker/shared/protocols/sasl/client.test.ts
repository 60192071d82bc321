import fc from "fast-check";
import { expect, test } from "vitest";
import { PROPERTY_RUNS } from "../../formats/property-runs.fixture.ts";
import { saslAuthReply, saslClientStart } from "./client.ts";
import { SaslLineReader } from "./line-reader.ts";
import { saslServerAccept, saslServerLine, saslServerStart } from "./server.ts";

test("the uid is asserted as the hexadecimal form of its decimal text", () => {
  expect(saslClientStart(65_534).toString("latin1")).toBe("\0AUTH EXTERNAL 3635353334\r\n");
});

test.each([
  ["OK fb2e56e591b03304f083745a6b03768b", "accepted"],
  ["REJECTED EXTERNAL", "rejected"],
  ["OK", "rejected"],
  ["OK fb2e", "rejected"],
  ["OK fb2e56e591b03304f083745a6b03768b\r", "rejected"],
  ["DATA", "rejected"],
  ["ERROR", "rejected"],
])("%j is %s", (line, type) => {
  expect(saslAuthReply(line).type).toBe(type);
});

test("our server understands our client, for every uid", () => {
  const guid = "0123456789abcdef0123456789abcdef";
  fc.assert(
    fc.property(fc.nat(0xffff_fffe), (uid) => {
      const reader = new SaslLineReader({ nul: true });
      reader.push(saslClientStart(uid));
      const input = reader.next();
      const [state, effect] = saslServerLine(
        saslServerStart,
        input?.type === "line" ? input.text : "",
      );
      expect(effect).toEqual({ type: "authenticate", claim: { uid: String(uid), bare: false } });
      const [, reply] = saslServerAccept(state, guid);
      expect(reply.type === "reply" && saslAuthReply(reply.line)).toEqual({
        type: "accepted",
        guid,
      });
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
