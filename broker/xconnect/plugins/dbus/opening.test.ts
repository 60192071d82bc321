import { expect, test } from "vitest";
import { METHOD_CALL, parseHeader } from "../../../shared/protocols/dbus/message-header.ts";
import { parseQuirks } from "../../../shared/quirks/quirks.ts";
import { opening, question } from "./opening.ts";
import { DbusPolicy } from "./policy.ts";
import { DbusSessionState } from "./session-state.ts";

const HIGHEST = 2 ** 32 - 1;
const hello = { kind: "hello", destination: "org.freedesktop.DBus" } as const;

function options() {
  const policy = new DbusPolicy([
    [
      { access: "talk", name: "org.pvh.Talk" },
      { access: "see", name: "org.pvh.Seen.*" },
    ],
  ]);
  return { policy, quirks: parseQuirks(""), client: "client", role: "admin" };
}

const headersOf = (messages: readonly Buffer[]) =>
  messages.map((message) => parseHeader(message, 0));
const serialsOf = (messages: readonly Buffer[]) => headersOf(messages).map(({ serial }) => serial);

/** A session whose Hello has this serial. */
function begun(given: ReturnType<typeof options>, serial = 1) {
  const state = new DbusSessionState(given.policy);
  state.expect(serial, hello);
  return { state, messages: opening(given, state) };
}

test("the sessions of a link begin with the same bytes, and each expects the answers", () => {
  const given = options();
  const [one, other] = [begun(given), begun(given)];
  expect(headersOf(one.messages).map(({ member }) => member)).toEqual([
    "AddMatch",
    "GetNameOwner",
    "Client",
    "AddMatch",
    "ListNames",
  ]);
  for (const [index, message] of one.messages.entries()) {
    expect(other.messages[index]).toBe(message);
  }
  for (const { state, messages } of [one, other]) {
    for (const { type, serial, member } of headersOf(messages)) {
      const isAsked = type === METHOD_CALL && member !== "AddMatch";
      expect(state.expected.has(serial)).toBe(isAsked);
    }
  }
});

test("another link's sessions begin with their own", () => {
  const given = options();
  const [message] = begun(given).messages;
  expect(begun({ ...given, client: "other" }).messages[0]).not.toBe(message);
});

test.each([HIGHEST, HIGHEST - 4])(
  "a Hello with the serial %i does not lose its reply",
  (serial) => {
    const given = options();
    begun(given);
    const { state, messages } = begun(given, serial);
    const serials = serialsOf(messages);
    expect(serials).not.toContain(serial);
    expect(new Set(serials).size).toBe(serials.length);
    expect(state.expected.get(serial)).toBe(hello);
  },
);

test("a later question has serials of its own", () => {
  const given = options();
  const { state, messages } = begun(given);
  const later = question(given, state, "org.pvh.Seen.One");
  const serials = serialsOf([...messages, ...later]);
  expect(new Set(serials).size).toBe(serials.length);
});
