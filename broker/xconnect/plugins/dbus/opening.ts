import { NO_REPLY_EXPECTED } from "../../../shared/protocols/dbus/message-header.ts";
import { strings } from "../../../shared/protocols/dbus/write-message.ts";
import { DRIVER } from "./driver-methods.ts";
import type { FilterOptions } from "./filter-options.ts";
import { driverCall, metadataSignal } from "./made-messages.ts";
import { TALK } from "./policy.ts";
import type { DbusSessionState, ExpectedReply } from "./session-state.ts";

/** Messages of the broker to the bus, and the replies to expect. */
export interface Questions {
  readonly messages: readonly Buffer[];
  readonly expected: readonly (readonly [serial: number, reply: ExpectedReply])[];
}

/** Options that decide a session's questions, apart from their serials. */
type Subject = Pick<FilterOptions, "policy" | "quirks" | "client" | "role">;

/** Questions with the highest serials, written once for all sessions with the same options. */
const openings = new WeakMap<Subject, Questions>();

/**
 * The broker's messages right behind the consumer's Hello: they ask for the owners of the names in
 * the rules, and tell those owners about the consumer. They are mostly the same bytes for each
 * session; only a consumer that has used one of the highest serials itself gets messages of its
 * own.
 */
export function opening(options: Subject, state: DbusSessionState): readonly Buffer[] {
  let questions = openings.get(options);
  if (questions === undefined) {
    let serial = 2 ** 32;
    questions = write(options, () => (serial -= 1));
    openings.set(options, questions);
  }
  if (!state.takeHighest(questions.messages.length)) {
    questions = write(options, () => state.nextSerial());
  }
  return asked(questions, state);
}

/** The messages that ask for the owner of one name and tell it about the consumer. */
export function question(
  options: Subject,
  state: DbusSessionState,
  name: string,
): readonly Buffer[] {
  return asked(
    ask(options, () => state.nextSerial(), name),
    state,
  );
}

/** The signal that tells the owner of a name about the consumer, if the link may talk to it. */
export function introduction(
  { policy, quirks, client, role }: Subject,
  nextSerial: () => number,
  { name, destination }: { readonly name: string; readonly destination: string },
): Buffer[] {
  if (policy.levelOf(name) < TALK || quirks.has("dbus-no-metadata", "dbus")) return [];
  return [metadataSignal(nextSerial(), destination, client, role)];
}

function asked({ messages, expected }: Questions, state: DbusSessionState): readonly Buffer[] {
  for (const [serial, reply] of expected) state.expect(serial, reply);
  return messages;
}

function write(options: Subject, nextSerial: () => number): Questions {
  const { tracked } = options.policy;
  const messages: Buffer[] = [];
  const expected: (readonly [number, ExpectedReply])[] = [];
  const add = (questions: Questions) => {
    messages.push(...questions.messages);
    expected.push(...questions.expected);
  };
  for (const { name, withChildren } of tracked) {
    const key = withChildren ? "arg0namespace" : "arg0";
    const rule = `type='signal',sender='${DRIVER}',interface='${DRIVER}',member='NameOwnerChanged',${key}='${name}'`;
    // Ask for the signal before the owner, so that no change in between is missed.
    const call = { body: strings(rule), flags: NO_REPLY_EXPECTED };
    messages.push(driverCall(nextSerial(), "AddMatch", call));
    if (!withChildren) add(ask(options, nextSerial, name));
  }
  if (tracked.some(({ withChildren }) => withChildren)) {
    const serial = nextSerial();
    const reply: ExpectedReply = { kind: "own-list", destination: DRIVER };
    add({ messages: [driverCall(serial, "ListNames")], expected: [[serial, reply]] });
  }
  return { messages, expected };
}

function ask(options: Subject, nextSerial: () => number, name: string): Questions {
  const serial = nextSerial();
  const reply: ExpectedReply = { kind: "own-owner", destination: DRIVER, text: name };
  const call = driverCall(serial, "GetNameOwner", { body: strings(name) });
  const signals = introduction(options, nextSerial, { name, destination: name });
  return { messages: [call, ...signals], expected: [[serial, reply]] };
}
