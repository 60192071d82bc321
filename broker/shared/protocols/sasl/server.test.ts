import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PROPERTY_RUNS } from "../../formats/property-runs.fixture.ts";
import { SaslLineReader } from "./line-reader.ts";
import {
  saslServerAccept,
  saslServerAgree,
  saslServerDisagree,
  saslServerLine,
  saslServerReject,
  saslServerStart,
} from "./server.ts";

const GUID = "fb2e56e591b03304f083745a6b03768b";

interface Conversation {
  readonly replies: string[];
  readonly end: "begin" | "close" | "violation" | "more";
  readonly rest: string;
  readonly claims: string[];
}

/** The whole conversation with a server that accepts every claim, or none. */
function converse(
  pieces: readonly Buffer[],
  accepts = true,
  answerFds = saslServerDisagree,
): Conversation {
  const reader = new SaslLineReader({ nul: true });
  const replies: string[] = [];
  const claims: string[] = [];
  let state = saslServerStart;
  const done = (end: Conversation["end"]) => ({
    replies,
    end,
    claims,
    rest: reader.rest.toString("latin1"),
  });
  let end: Conversation["end"] | undefined;
  for (const piece of pieces) {
    reader.push(piece);
    if (end !== undefined) continue;
    for (let input = reader.next(); input !== undefined; input = reader.next()) {
      if (input.type === "violation") {
        end = "violation";
        break;
      }
      let [next, effect] = saslServerLine(state, input.text);
      if (effect.type === "authenticate") {
        claims.push(effect.claim.bare ? `bare ${effect.claim.uid}` : effect.claim.uid);
        [next, effect] = accepts ? saslServerAccept(next, GUID) : saslServerReject(next);
      }
      if (effect.type === "negotiate-fds") [next, effect] = answerFds(next);
      state = next;
      if (effect.type === "reply") replies.push(effect.line);
      if (effect.type === "begin" || effect.type === "close") {
        end = effect.type;
        break;
      }
    }
  }
  return done(end ?? "more");
}

const said = (wire: string, accepts = true) => converse([Buffer.from(wire, "latin1")], accepts);

describe("clients as they are", () => {
  test("libdbus: one step, fds asked for and refused, messages behind BEGIN kept", () => {
    expect(said("\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\nl\x01\0\x01")).toEqual({
      replies: [`OK ${GUID}`, 'ERROR "Unix FD passing is not supported"'],
      end: "begin",
      claims: ["0"],
      rest: "l\x01\0\x01",
    });
  });

  test("sd-bus: everything in one go gets DATA, OK and ERROR in this order", () => {
    const wire = "\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\nhello";
    expect(said(wire)).toEqual({
      replies: ["DATA", `OK ${GUID}`, 'ERROR "Unix FD passing is not supported"'],
      end: "begin",
      claims: ["bare "],
      rest: "hello",
    });
  });

  test("GDBus: a bare AUTH first, then EXTERNAL", () => {
    const { replies, end } = said("\0AUTH\r\nAUTH EXTERNAL 31303030\r\nBEGIN\r\n");
    expect(replies).toEqual(["REJECTED EXTERNAL", `OK ${GUID}`]);
    expect(end).toBe("begin");
  });
});

test("fds are agreed on behind OK and not before", () => {
  const wire = "\0NEGOTIATE_UNIX_FD\r\nAUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";
  expect(converse([Buffer.from(wire, "latin1")], true, saslServerAgree)).toMatchObject({
    replies: ['ERROR "Unix FD passing is not supported"', `OK ${GUID}`, "AGREE_UNIX_FD"],
    end: "begin",
  });
});

describe("what is not EXTERNAL is answered here", () => {
  test.each([
    ["ANONYMOUS", "AUTH ANONYMOUS 78", "REJECTED EXTERNAL"],
    ["COOKIE", "AUTH DBUS_COOKIE_SHA1 30", "REJECTED EXTERNAL"],
    ["lower case", "auth external 30", 'ERROR "Unknown command"'],
    ["a lower-case mechanism", "AUTH external 30", "REJECTED EXTERNAL"],
    ["an odd number of digits", "AUTH EXTERNAL 303", 'ERROR "Invalid hex encoding"'],
    ["DATA too early", "DATA 30", 'ERROR "Not currently in an auth conversation"'],
    ["CANCEL too early", "CANCEL", 'ERROR "Not currently in an auth conversation"'],
    ["fds too early", "NEGOTIATE_UNIX_FD", 'ERROR "Unix FD passing is not supported"'],
    ["ERROR", 'ERROR "x"', "REJECTED EXTERNAL"],
    ["an empty line", "", 'ERROR "Unknown command"'],
    ["other bytes", "AUTH\tEXTERNAL\xff", 'ERROR "Not ASCII"'],
  ])("%s", (_name, line, reply) => {
    expect(said(`\0${line}\r\n`)).toMatchObject({ replies: [reply], end: "more", claims: [] });
  });

  test("a second AUTH after a rejection is a first one", () => {
    const { replies, claims } = said("\0AUTH ANONYMOUS\r\nAUTH EXTERNAL 30\r\n");
    expect(replies).toEqual(["REJECTED EXTERNAL", `OK ${GUID}`]);
    expect(claims).toEqual(["0"]);
  });

  test("a second AUTH after OK changes nothing", () => {
    const { replies, claims } = said("\0AUTH EXTERNAL 31\r\nAUTH EXTERNAL 30\r\nBEGIN\r\n");
    expect(replies[1]).toMatch(/^ERROR /);
    expect(claims).toEqual(["1"]);
  });

  test("CANCEL takes an OK and a conversation back", () => {
    expect(said("\0AUTH EXTERNAL 31\r\nCANCEL\r\nBEGIN\r\n")).toMatchObject({ end: "close" });
    expect(said("\0AUTH EXTERNAL\r\nCANCEL\r\nDATA\r\n").replies).toEqual([
      "DATA",
      "REJECTED EXTERNAL",
      'ERROR "Not currently in an auth conversation"',
    ]);
  });
});

describe("the conversation is closed", () => {
  test("without a leading NUL", () => {
    expect(said("AUTH EXTERNAL 30\r\n").end).toBe("violation");
  });
  test("by BEGIN before OK", () => {
    expect(said("\0BEGIN\r\n").end).toBe("close");
    expect(said("\0AUTH EXTERNAL 30\r\nBEGIN\r\n", false).end).toBe("close");
  });
  test("by the sixth rejection", () => {
    expect(said(`\0${"AUTH\r\n".repeat(5)}`).end).toBe("more");
    expect(said(`\0${"AUTH\r\n".repeat(6)}`).end).toBe("close");
  });
  test("by a line above 16 KiB, complete or not", () => {
    expect(said(`\0${"A".repeat(16_382)}\r\n`).end).toBe("more");
    expect(said(`\0${"A".repeat(16_383)}\r\n`).end).toBe("violation");
    expect(said(`\0${"A".repeat(16_384)}`).end).toBe("violation");
  });
});

test("LF alone ends no line", () => {
  expect(said("\0AUTH EXTERNAL 30\n")).toMatchObject({ replies: [], end: "more" });
});

test("the outcome does not depend on how the bytes are cut", () => {
  const words = fc.constantFrom(
    "AUTH EXTERNAL 30",
    "AUTH EXTERNAL",
    "AUTH",
    "DATA",
    "DATA 30",
    "BEGIN",
    "CANCEL",
    "ERROR",
    "NEGOTIATE_UNIX_FD",
    "\r\n",
    "\r\n",
    "\r\n",
    "\n",
    "\0",
    "\xff",
  );
  fc.assert(
    fc.property(
      fc.array(words, { maxLength: 20 }),
      fc.array(fc.nat(200), { maxLength: 8 }),
      fc.boolean(),
      (parts, cuts, accepts) => {
        const wire = Buffer.from(`\0${parts.join("")}`, "latin1");
        const points = [
          0,
          ...cuts.map((cut) => Math.min(cut, wire.length)).sort((a, b) => a - b),
          wire.length,
        ];
        const pieces = points.slice(1).map((end, i) => wire.subarray(points[i], end));
        expect(converse(pieces, accepts)).toEqual(converse([wire], accepts));
      },
    ),
    { numRuns: PROPERTY_RUNS },
  );
});

test("random bytes never throw and never begin a session unasked", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(converse([Buffer.from([0]), Buffer.from(bytes)], false).end).not.toBe("begin");
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
