import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PROPERTY_RUNS } from "../../../shared/formats/property-runs.fixture.ts";
import { MalformedMessage } from "../../../shared/protocols/dbus/malformed-message.ts";
import {
  stringArguments,
  stringArrayArgument,
} from "../../../shared/protocols/dbus/message-body.ts";
import {
  ERROR,
  METHOD_CALL,
  METHOD_RETURN,
  NO_REPLY_EXPECTED,
  SIGNAL,
  parseHeader,
} from "../../../shared/protocols/dbus/message-header.ts";
import type { MessageHeader } from "../../../shared/protocols/dbus/message-header.ts";
import { messageParts } from "../../../shared/protocols/dbus/message.fixture.ts";
import {
  boolean,
  stringArray,
  strings,
  writeMessage,
} from "../../../shared/protocols/dbus/write-message.ts";
import type { MessageBody, MessageParts } from "../../../shared/protocols/dbus/write-message.ts";
import { parseQuirks } from "../../../shared/quirks/quirks.ts";
import { DbusFilter } from "./filter.ts";
import { DbusPolicy } from "./policy.ts";
import type { DbusRule } from "./rules.ts";
import type { Decision } from "./decision.ts";

const DRIVER = "org.freedesktop.DBus";
const SELF = ":1.100";
const TALK = "org.pvh.Talk";
const CALLED = "org.pvh.Called";
const SEEN = "org.pvh.Seen";
const OWNED = "org.pvh.Own";
const HIDDEN = "org.pvh.Hidden";
/** The match rule that the broker adds for a name that it follows. */
const OWN_RULE = `type='signal',sender='${DRIVER}',interface='${DRIVER}',member='NameOwnerChanged',arg0='${TALK}'`;
const RULES: readonly DbusRule[] = [
  { access: "talk", name: TALK },
  { access: "call", name: CALLED, interface: "i.j", member: "Go" },
  { access: "see", name: `${SEEN}.*` },
];

/** A filter, with methods that act as the consumer and as the bus. */
class Session {
  readonly filter: DbusFilter;
  #serial = 0;
  /** Messages of the broker's own that were sent to the bus. */
  readonly own: { header: MessageHeader; bytes: Buffer }[] = [];

  constructor(rules: readonly DbusRule[] = RULES, quirks = "") {
    this.filter = new DbusFilter({
      policy: new DbusPolicy([rules]),
      quirks: parseQuirks(quirks),
      client: "client",
      role: "admin",
    });
  }

  /** A session after Hello; `owners` lists the owners of the rules' names. */
  static open(rules?: readonly DbusRule[], owners: Record<string, string> = OWNERS): Session {
    const session = new Session(rules);
    const { serial } = session.driver("Hello");
    session.fromBus({
      type: METHOD_RETURN,
      replySerial: serial,
      sender: DRIVER,
      destination: SELF,
      body: strings(SELF),
    });
    for (let at = 0; at < session.own.length; at += 1) {
      const { header, bytes } = session.own[at] ?? fail();
      const reply = {
        type: METHOD_RETURN,
        replySerial: header.serial,
        sender: DRIVER,
        destination: SELF,
      };
      if (header.member === "ListNames") {
        session.fromBus({ ...reply, body: stringArray([...Object.keys(owners), SELF]) });
      } else if (header.member === "GetNameOwner") {
        const [name = ""] = stringArguments(header, bytes, 0, 1) ?? [];
        const owner = owners[name];
        session.fromBus(
          owner === undefined
            ? { ...reply, type: ERROR, errorName: "a.b" }
            : { ...reply, body: strings(owner) },
        );
      }
    }
    return session;
  }

  fromConsumer(
    parts: Omit<MessageParts, "serial"> & { serial?: number },
  ): Decision & { serial: number } {
    this.#serial += 1;
    const message = writeMessage({ serial: this.#serial, ...parts });
    const header = parseHeader(message, 0);
    const decision = this.filter.judge(header, message, 0);
    this.#note(decision);
    return { ...decision, serial: header.serial };
  }

  fromBus(parts: Omit<MessageParts, "serial">): Decision {
    this.#serial += 1;
    const message = writeMessage({ serial: this.#serial, ...parts });
    const decision = this.filter.bus.judge(parseHeader(message, 0), message, 0);
    this.#note(decision);
    return decision;
  }

  get lastSerial(): number {
    return this.#serial;
  }

  call(destination: string, member = "Go", more: Partial<MessageParts> = {}) {
    return this.fromConsumer({
      type: METHOD_CALL,
      path: "/p",
      interface: "i.j",
      member,
      destination,
      ...more,
    });
  }

  driver(member: string, body?: MessageBody, more: Partial<MessageParts> = {}) {
    const parts = { interface: DRIVER, ...(body === undefined ? {} : { body }), ...more };
    return this.call(DRIVER, member, parts);
  }

  signal(sender: string, more: Partial<MessageParts> = {}): Decision {
    return this.fromBus({
      type: SIGNAL,
      path: "/p",
      interface: "i.j",
      member: "S",
      sender,
      ...more,
    });
  }

  ownerChanged(name: string, former: string, owner: string): Decision {
    const body = strings(name, former, owner);
    return this.signal(DRIVER, { interface: DRIVER, member: "NameOwnerChanged", body });
  }

  #note({ toBus = [] }: Decision): void {
    for (const bytes of toBus) this.own.push({ header: parseHeader(bytes, 0), bytes });
  }
}

const OWNERS = { [TALK]: ":1.1", [CALLED]: ":1.2", [SEEN]: ":1.3", [HIDDEN]: ":1.4" };

function fail(): never {
  throw new Error("unreachable");
}

/** The error or the reply that the broker gives in place of the bus. */
function answerOf({ pass, toConsumer }: Decision): string {
  if (pass) return "passed";
  if (toConsumer === undefined) return "dropped";
  const header = parseHeader(toConsumer, 0);
  return header.errorName.replace(`${DRIVER}.Error.`, "") || "reply";
}

describe("calls", () => {
  test.each<[string, string, string, string]>([
    ["to a name to talk to", TALK, "Anything", "passed"],
    ["to its owner", ":1.1", "Anything", "passed"],
    ["to what may be called", CALLED, "Go", "passed"],
    ["to its owner", ":1.2", "Go", "passed"],
    ["to another member of it", CALLED, "Stop", "AccessDenied"],
    ["to another member of its owner", ":1.2", "Stop", "AccessDenied"],
    ["to what may be seen", SEEN, "Go", "AccessDenied"],
    ["to its owner", ":1.3", "Go", "AccessDenied"],
    ["to a hidden name", HIDDEN, "Go", "AccessDenied"],
    ["to its owner", ":1.4", "Go", "AccessDenied"],
    ["to a name that nobody has", "org.pvh.None", "Go", "AccessDenied"],
    ["to itself", SELF, "Go", "passed"],
  ])("%s (%s %s): %s", (_name, destination, member, answer) => {
    expect(answerOf(Session.open().call(destination, member))).toBe(answer);
  });

  test("follow the ownership of names", () => {
    const session = Session.open();
    session.ownerChanged(TALK, ":1.1", ":1.9");
    expect(answerOf(session.call(":1.1"))).toBe("AccessDenied");
    expect(answerOf(session.call(":1.9"))).toBe("passed");
    session.ownerChanged(TALK, ":1.9", "");
    expect(answerOf(session.call(":1.9"))).toBe("AccessDenied");
  });

  test("that want no answer get none when they are denied", () => {
    const flags = NO_REPLY_EXPECTED;
    expect(answerOf(Session.open().call(HIDDEN, "Go", { flags }))).toBe("dropped");
  });

  test("with the serial of one that has no reply yet are denied, the broker's own included", () => {
    const session = Session.open();
    const { serial } = session.driver("ListNames");
    expect(answerOf(session.driver("GetId", undefined, { serial }))).toBe("AccessDenied");
    const fresh = new Session();
    fresh.driver("Hello");
    const own = fresh.own.find(({ header }) => header.member === "GetNameOwner") ?? fail();
    expect(answerOf(fresh.call(TALK, "Go", { serial: own.header.serial }))).toBe("AccessDenied");
  });

  test("without reply are limited in number", () => {
    const session = Session.open();
    const answers = Array.from({ length: 16_400 }, () => answerOf(session.call(TALK)));
    expect(answers.indexOf("LimitsExceeded")).toBe(16_384);
  });

  test("and signals on the broker's own interface are refused", () => {
    const session = Session.open([{ access: "own" }]);
    for (const name of ["org.pantavisor.Xconnect1", "org.pantavisor.Xconnect1.Sub"]) {
      expect(answerOf(session.call(TALK, "Client", { interface: name }))).toBe("AccessDenied");
      const signal = { type: SIGNAL, path: "/p", interface: name, member: "Client" };
      expect(session.fromConsumer({ ...signal, destination: TALK }).pass).toBe(false);
      expect(session.fromConsumer(signal).pass).toBe(false);
    }
  });
});

describe("with fds that may not pass", () => {
  const header = (parts: MessageParts) => parseHeader(writeMessage(parts), 0);
  const answer = (bytes: Buffer | undefined) => parseHeader(bytes ?? fail(), 0);

  test("a call is answered, and its serial may be used again", () => {
    const session = Session.open();
    const parts = { type: METHOD_CALL, serial: 9, path: "/p", member: "Go", destination: TALK };
    expect(session.fromConsumer(parts).pass).toBe(true);
    const { pass, toConsumer, denied } = session.filter.refuseFds(header(parts), "directory");
    expect(pass).toBe(false);
    expect(answer(toConsumer)).toMatchObject({ type: ERROR, replySerial: 9, destination: SELF });
    expect(denied).toContain(`call Go to ${TALK}`);
    expect(session.fromConsumer(parts).pass).toBe(true);
  });

  test("a reply of the consumer's becomes an error for its caller", () => {
    const reply = { type: METHOD_RETURN, serial: 9, replySerial: 5, destination: ":1.7" };
    const { pass, toBus } = Session.open().filter.refuseFds(header(reply), "file");
    expect(pass).toBe(false);
    expect(answer(toBus?.[0])).toMatchObject({ type: ERROR, replySerial: 5, destination: ":1.7" });
  });

  test("a reply for the consumer becomes an error, a call to it is answered once", () => {
    const session = Session.open();
    const reply = { type: METHOD_RETURN, serial: 9, replySerial: 5, destination: SELF };
    const { instead } = session.filter.bus.refuseFds(header(reply), "file");
    expect(answer(instead)).toMatchObject({ type: ERROR, replySerial: 5, destination: SELF });
    const call = { type: METHOD_CALL, path: "/p", member: "M", sender: ":1.7", destination: SELF };
    expect(session.fromBus(call).pass).toBe(true);
    const incoming = { ...header({ ...call, serial: 1 }), serial: session.lastSerial };
    expect(answer(session.filter.bus.refuseFds(incoming, "file").toBus?.[0])).toMatchObject({
      type: ERROR,
      replySerial: session.lastSerial,
      destination: ":1.7",
    });
    expect(session.filter.bus.refuseFds(incoming, "file").toBus).toBeUndefined();
  });

  test("a signal leaves the call alone whose serial it has", () => {
    const session = Session.open();
    const { serial } = session.call(TALK);
    const signal = { type: SIGNAL, serial, path: "/p", interface: "a.b", member: "C" };
    expect(session.filter.refuseFds(header(signal), "file").pass).toBe(false);
    const reply = { type: METHOD_RETURN, sender: ":1.1", destination: SELF };
    expect(session.fromBus({ ...reply, replySerial: serial }).pass).toBe(true);
  });

  test("signals are dropped and reported", () => {
    const signal = { type: SIGNAL, serial: 1, path: "/p", interface: "a.b", member: "C" };
    const { filter } = Session.open();
    for (const decision of [
      filter.refuseFds(header(signal), "file"),
      filter.bus.refuseFds(header(signal), "file"),
    ]) {
      expect(decision).toEqual({
        pass: false,
        denied: expect.stringContaining("(file)") as string,
      });
    }
  });
});

describe("signals of the consumer", () => {
  const signal = { type: SIGNAL, path: "/p", interface: "i.j", member: "S" };
  test("go where calls may go, and to all from services", () => {
    const session = Session.open();
    expect(session.fromConsumer({ ...signal, destination: TALK }).pass).toBe(true);
    expect(session.fromConsumer({ ...signal, destination: HIDDEN }).pass).toBe(false);
    expect(session.fromConsumer(signal).pass).toBe(false);
    const service = Session.open([{ access: "own", name: OWNED }]);
    expect(service.fromConsumer(signal).pass).toBe(true);
  });
});

describe("questions to the bus", () => {
  const name = (text: string) => strings(text);
  test.each<[string, string, string]>([
    ["NameHasOwner", SEEN, "passed"],
    ["NameHasOwner", HIDDEN, "reply"],
    ["GetNameOwner", `${SEEN}.child`, "passed"],
    ["GetNameOwner", HIDDEN, "NameHasNoOwner"],
    ["GetNameOwner", DRIVER, "passed"],
    ["GetConnectionUnixUser", ":1.3", "passed"],
    ["GetConnectionUnixUser", SELF, "passed"],
    ["GetConnectionUnixUser", ":1.4", "NameHasNoOwner"],
    ["GetConnectionCredentials", HIDDEN, "NameHasNoOwner"],
    ["StartServiceByName", TALK, "InvalidArgs"],
    ["ListQueuedOwners", SEEN, "AccessDenied"],
    ["ListQueuedOwners", HIDDEN, "NameHasNoOwner"],
    ["ReleaseName", TALK, "AccessDenied"],
    ["UpdateActivationEnvironment", "a", "AccessDenied"],
    ["ReloadConfig", "a", "AccessDenied"],
    ["NoSuchMethod", "a", "AccessDenied"],
    ["AddMatch", "type='signal'", "passed"],
    ["AddMatch", "type='signal',eavesdrop='true'", "AccessDenied"],
    ["AddMatch", "type='signal", "MatchRuleInvalid"],
    ["RemoveMatch", "type='signal'", "MatchRuleNotFound"],
  ])("%s(%j): %s", (member, text, answer) => {
    const body = member === "StartServiceByName" ? boolean(true) : name(text);
    expect(answerOf(Session.open().driver(member, body))).toBe(answer);
  });

  test("are the same without interface or destination", () => {
    const session = Session.open();
    expect(answerOf(session.driver("GetNameOwner", name(HIDDEN), { interface: "" }))).toBe(
      "NameHasNoOwner",
    );
    expect(answerOf(session.driver("BecomeMonitor", undefined, { interface: "" }))).toBe(
      "AccessDenied",
    );
    expect(answerOf(session.driver("RequestName", name(HIDDEN), { destination: "" }))).toBe(
      "AccessDenied",
    );
  });

  test("about names to own need the right to", () => {
    const session = Session.open([{ access: "own", name: `${OWNED}.*` }]);
    for (const member of ["RequestName", "ReleaseName", "ListQueuedOwners"]) {
      expect(answerOf(session.driver(member, name(`${OWNED}.x`)))).toBe("passed");
    }
    expect(answerOf(session.driver("RequestName", name(`${OWNED}ed`)))).toBe("AccessDenied");
  });

  test("that list names are answered with those that are visible", () => {
    const session = Session.open();
    const { serial } = session.driver("ListNames");
    const body = stringArray([DRIVER, SELF, ...Object.keys(OWNERS), ...Object.values(OWNERS)]);
    const reply = {
      type: METHOD_RETURN,
      replySerial: serial,
      sender: DRIVER,
      destination: SELF,
      body,
    };
    const { instead = fail(), pass } = session.fromBus(reply);
    expect(pass).toBe(false);
    expect(stringArrayArgument(parseHeader(instead, 0), instead, 0)).toEqual([
      ...[DRIVER, SELF, TALK, CALLED, SEEN],
      ...[":1.1", ":1.2", ":1.3"],
    ]);
  });

  test("a rule for the bus itself opens the rest of it, but not monitoring", () => {
    const session = Session.open([{ access: "call", name: DRIVER }]);
    expect(answerOf(session.driver("ReloadConfig"))).toBe("passed");
    const monitoring = { interface: `${DRIVER}.Monitoring` };
    expect(answerOf(session.driver("BecomeMonitor", undefined, monitoring))).toBe("AccessDenied");
    const named = Session.open([{ access: "call", ...monitoring }]);
    expect(answerOf(named.driver("BecomeMonitor", undefined, monitoring))).toBe("passed");
  });
});

describe("match rules", () => {
  const reply = { type: METHOD_RETURN, sender: DRIVER, destination: SELF };

  test("of the broker are not the consumer's to remove, its own are", () => {
    const session = Session.open();
    const own = session.own.find(({ header }) => header.member === "AddMatch") ?? fail();
    const [rule = ""] = stringArguments(own.header, own.bytes, 0, 1) ?? [];
    expect(answerOf(session.driver("RemoveMatch", strings(rule)))).toBe("MatchRuleNotFound");
    // Nor while the bus may still refuse it.
    const { serial } = session.driver("AddMatch", strings(rule));
    expect(answerOf(session.driver("RemoveMatch", strings(rule)))).toBe("MatchRuleNotFound");
    session.fromBus({ ...reply, replySerial: serial });
    expect(answerOf(session.driver("RemoveMatch", strings(rule)))).toBe("passed");
    expect(answerOf(session.driver("RemoveMatch", strings(rule)))).toBe("MatchRuleNotFound");
  });

  test("that were added without asking for an answer give none", () => {
    const session = Session.open();
    const { serial } = session.driver("AddMatch", strings("type=signal"), {
      flags: NO_REPLY_EXPECTED,
    });
    expect(session.fromBus({ ...reply, replySerial: serial }).pass).toBe(false);
    expect(answerOf(session.driver("RemoveMatch", strings("type=signal")))).toBe("passed");
  });

  test("are limited in number", () => {
    const session = Session.open();
    for (let count = 0; count < 512; count += 1) {
      const { serial } = session.driver("AddMatch", strings(`arg0='${count}'`));
      session.fromBus({ ...reply, replySerial: serial });
    }
    expect(answerOf(session.driver("AddMatch", strings("arg0=x")))).toBe("LimitsExceeded");
  });

  test("are counted before the bus answers, and no more once it has refused one", () => {
    const session = Session.open();
    const add = (text: string) => session.driver("AddMatch", strings(text));
    const { serial: replySerial } = add(OWN_RULE);
    for (let count = 1; count < 512; count += 1) add(`arg0='${count}'`);
    expect(answerOf(add("arg0=x"))).toBe("LimitsExceeded");
    session.fromBus({ ...reply, type: ERROR, errorName: "a.b", replySerial });
    expect(answerOf(add("arg0=x"))).toBe("passed");
    expect(answerOf(add("arg0=x"))).toBe("LimitsExceeded");
  });

  test("can be removed before the bus answers, as clients do that change their mind", () => {
    const session = Session.open();
    const watch = `${OWN_RULE},path='/org/freedesktop/DBus'`;
    for (const rule of ["type='signal'", watch]) {
      const { serial: replySerial } = session.driver("AddMatch", strings(rule));
      expect(answerOf(session.driver("RemoveMatch", strings(rule)))).toBe("passed");
      session.fromBus({ ...reply, replySerial });
      expect(answerOf(session.driver("RemoveMatch", strings(rule)))).toBe("MatchRuleNotFound");
    }
  });

  test("that say what the broker's say cannot, however they say it", () => {
    const session = Session.open();
    for (const rule of [OWN_RULE, OWN_RULE.replace("NameOwner", "Name''Owner")]) {
      session.driver("AddMatch", strings(rule));
      expect(answerOf(session.driver("RemoveMatch", strings(rule)))).toBe("MatchRuleNotFound");
    }
  });

  test("of a call with an fd that may not pass are not added", () => {
    const session = Session.open();
    const { serial } = session.driver("AddMatch", strings("type=signal"));
    const call = { type: METHOD_CALL, serial, path: "/p", member: "AddMatch", destination: DRIVER };
    session.filter.refuseFds(parseHeader(writeMessage(call), 0), "file");
    expect(answerOf(session.driver("RemoveMatch", strings("type=signal")))).toBe(
      "MatchRuleNotFound",
    );
  });
});

describe("signals of the bus", () => {
  test.each<[string, string, Partial<MessageParts>, boolean]>([
    ["for all, of a name to talk to", ":1.1", {}, true],
    ["for all, of what may only be called", ":1.2", {}, false],
    ["for all, of what may only be seen", ":1.3", {}, false],
    ["for all, of a hidden name", ":1.4", {}, false],
    ["for the consumer, of what may be seen", ":1.3", { destination: SELF }, true],
    ["for the consumer, of a hidden name", ":1.4", { destination: SELF }, false],
    ["for somebody else", ":1.1", { destination: ":1.4" }, false],
    ["for a name that the consumer cannot own", ":1.1", { destination: TALK }, false],
    ["of the bus", DRIVER, { destination: SELF }, true],
  ])("%s (%s %j): %s", (_name, sender, more, passes) => {
    expect(Session.open().signal(sender, more).pass).toBe(passes);
  });

  test("about hidden names are dropped", () => {
    const session = Session.open();
    expect(session.ownerChanged(HIDDEN, "", ":1.5").pass).toBe(false);
    expect(session.ownerChanged(":1.4", ":1.4", "").pass).toBe(false);
    expect(session.ownerChanged(`${SEEN}.x`, "", ":1.5").pass).toBe(true);
    expect(session.ownerChanged(`${SEEN}.x`, ":1.5", "").pass).toBe(true);
    expect(session.ownerChanged(":1.5", ":1.5", "").pass).toBe(true);
    expect(session.ownerChanged(":1.5", ":1.5", "").pass).toBe(false);
  });

  test("of a peer that calls the consumer are heard when they are for it", () => {
    const session = Session.open();
    const call = { type: METHOD_CALL, path: "/p", member: "M", destination: SELF, sender: ":1.4" };
    expect(session.signal(":1.4", { destination: SELF }).pass).toBe(false);
    expect(session.fromBus(call).pass).toBe(true);
    expect(session.signal(":1.4", { destination: SELF }).pass).toBe(true);
    expect(session.signal(":1.4").pass).toBe(false);
  });

  test("for others pass once the consumer monitors, which takes a rule", () => {
    const monitoring = { access: "call", interface: `${DRIVER}.Monitoring` } as const;
    const session = Session.open([monitoring]);
    expect(session.signal(":1.4", { destination: ":1.1" }).pass).toBe(false);
    session.driver("AddMatch", strings("eavesdrop=true"));
    expect(session.signal(":1.4", { destination: ":1.1" }).pass).toBe(true);
  });
});

describe("replies", () => {
  const reply = { type: METHOD_RETURN, sender: ":1.1", destination: SELF };

  test.each([
    ["the bus, to itself", DRIVER, DRIVER],
    ["a peer, by another's unique name", ":1.1", ":1.4"],
    ["a peer, by a name that the consumer may own and does not", ":1.1", TALK],
  ])(
    "that are not the consumer's (%s) reach it only as a monitor",
    (_name, sender, destination) => {
      const monitoring = { access: "call", interface: `${DRIVER}.Monitoring` } as const;
      const session = Session.open([{ access: "own", name: "*" }, monitoring]);
      const foreign = { type: ERROR, errorName: "a.b", sender, destination, replySerial: 77 };
      expect(session.fromBus(foreign).pass).toBe(false);
      session.driver("BecomeMonitor", undefined, { interface: monitoring.interface });
      expect(session.fromBus(foreign).pass).toBe(true);
      expect(session.fromBus({ ...foreign, destination: SELF }).pass).toBe(false);
    },
  );

  test("are read whole only when they are the bus's, as a peer's may be of any size", () => {
    const session = Session.open();
    for (const destination of [DRIVER, ""]) {
      const { serial: replySerial } = session.call(destination, "ListNames", { interface: DRIVER });
      const wants = (sender: string) => {
        const message = writeMessage({ ...reply, serial: 9, replySerial, sender });
        return session.filter.bus.wantsBody(parseHeader(message, 0));
      };
      expect(wants(":1.1")).toBe(false);
      expect(wants(DRIVER)).toBe(true);
      expect(session.fromBus({ ...reply, replySerial, body: strings("x") }).pass).toBe(false);
    }
  });

  test("pass once, from whom the call was for or from the bus", () => {
    const session = Session.open();
    const { serial: replySerial } = session.call(TALK);
    expect(session.fromBus({ ...reply, replySerial, sender: ":1.4" }).pass).toBe(false);
    expect(session.fromBus({ ...reply, replySerial, destination: ":1.4" }).pass).toBe(false);
    expect(session.fromBus({ ...reply, replySerial }).pass).toBe(true);
    expect(session.fromBus({ ...reply, replySerial }).pass).toBe(false);
    const second = session.call(":1.2");
    const error = { ...reply, type: ERROR, errorName: "a.b", sender: DRIVER };
    expect(session.fromBus({ ...error, replySerial: second.serial }).pass).toBe(true);
  });

  test("to calls to the bus are the bus's alone, its sender being absent without destination", () => {
    const session = Session.open();
    for (const destination of [DRIVER, ""]) {
      const { serial: replySerial } = session.call(destination, "GetId", { interface: DRIVER });
      expect(session.fromBus({ ...reply, replySerial }).pass).toBe(false);
      const sender = destination;
      expect(session.fromBus({ ...reply, replySerial, sender }).pass).toBe(true);
    }
  });

  test("of a peer to the broker's own questions teach it nothing", () => {
    const session = new Session([{ access: "talk", name: TALK }]);
    const { serial: hello } = session.driver("Hello");
    const welcome = { type: METHOD_RETURN, sender: DRIVER, destination: SELF };
    session.fromBus({ ...welcome, replySerial: hello, body: strings(SELF) });
    const { header } = session.own.find((own) => own.header.member === "GetNameOwner") ?? fail();
    const answer = { ...welcome, replySerial: header.serial };
    session.fromBus({ ...answer, sender: ":1.4", body: strings(":1.4") });
    expect(answerOf(session.call(":1.4"))).toBe("AccessDenied");
    session.fromBus({ ...answer, body: strings(":1.1") });
    expect(answerOf(session.call(":1.1"))).toBe("passed");
  });

  test.each([METHOD_CALL, SIGNAL])(
    "in the guise of another type (%i) pass neither way, as libdbus goes by the serial alone",
    (type) => {
      const session = Session.open([{ access: "own" }]);
      const { serial: replySerial } = session.call(":1.1");
      const guise = { type, path: "/p", interface: "i.j", member: "M", replySerial };
      expect(session.fromBus({ ...guise, sender: ":1.4", destination: SELF }).pass).toBe(false);
      expect(session.fromConsumer({ ...guise, destination: TALK }).pass).toBe(false);
    },
  );

  test("of a service that has given its name away still arrive", () => {
    const session = Session.open();
    const { serial: replySerial } = session.call(TALK);
    session.ownerChanged(TALK, ":1.1", "");
    expect(session.fromBus({ ...reply, replySerial }).pass).toBe(true);
  });

  test("to calls that were denied or want none are dropped", () => {
    const session = Session.open();
    const denied = session.call(HIDDEN);
    const silent = session.call(TALK, "Go", { flags: NO_REPLY_EXPECTED });
    for (const { serial } of [denied, silent]) {
      expect(session.fromBus({ ...reply, replySerial: serial }).pass).toBe(false);
    }
  });

  test("of the consumer pass once, to the caller", () => {
    const session = Session.open();
    const call = { type: METHOD_CALL, path: "/p", member: "M", destination: SELF, sender: ":1.4" };
    session.fromBus(call);
    const serial = 21;
    const answer = (destination: string, replySerial: number) =>
      session.fromConsumer({ type: METHOD_RETURN, destination, replySerial }).pass;
    const calls = Array.from({ length: 40 }, (_value, index) => index + 1);
    expect(answer(":1.1", serial)).toBe(false);
    expect(calls.filter((replySerial) => answer(":1.4", replySerial))).toHaveLength(1);
    expect(calls.filter((replySerial) => answer(":1.4", replySerial))).toHaveLength(0);
  });
});

describe("before the bus has said its name", () => {
  const inactive = { type: ERROR, sender: DRIVER, destination: ":not.active.yet" };

  test("a consumer hears why the bus takes no call of it", () => {
    const session = new Session();
    const { serial: replySerial } = session.driver("GetId");
    expect(session.fromBus({ ...inactive, replySerial, errorName: "a.b" }).pass).toBe(true);
  });

  test("the bus is asked nothing behind a Hello that it refuses", () => {
    const session = new Session();
    const { serial: replySerial } = session.driver("Hello", strings("too much"));
    expect(session.own).toEqual([]);
    expect(session.fromBus({ ...inactive, replySerial, errorName: "a.b" }).pass).toBe(true);
    session.driver("Hello");
    expect(session.own).not.toEqual([]);
  });

  test("it is learnt from the answer to a Hello that asks for none, as buses give it", () => {
    const session = new Session([{ access: "talk", name: TALK }]);
    const { serial: replySerial } = session.driver("Hello", undefined, {
      flags: NO_REPLY_EXPECTED,
    });
    const welcome = { type: METHOD_RETURN, sender: DRIVER, destination: SELF };
    expect(session.fromBus({ ...welcome, replySerial, body: strings(SELF) }).pass).toBe(true);
    expect(session.signal(DRIVER, { destination: SELF }).pass).toBe(true);
    expect(session.signal(DRIVER, { destination: ":1.4" }).pass).toBe(false);
  });
});

describe("behind Hello", () => {
  test("the bus is asked for owners, and they are told who comes, where one may talk", () => {
    const session = new Session();
    session.driver("Hello");
    expect(session.filter.isHeld).toBe(true);
    expect(session.own.map(({ header }) => [header.member, header.destination])).toEqual([
      ["AddMatch", DRIVER],
      ["GetNameOwner", DRIVER],
      ["Client", TALK],
      ["AddMatch", DRIVER],
      ["GetNameOwner", DRIVER],
      ["Client", CALLED],
      ["AddMatch", DRIVER],
      ["ListNames", DRIVER],
    ]);
    const { header, bytes } = session.own[2] ?? fail();
    expect(stringArguments(header, bytes, 0, 2)).toEqual(["client", "admin"]);
    expect(Session.open().filter.isHeld).toBe(false);
  });

  test("a new owner is told, too", () => {
    const { toBus = [] } = Session.open().ownerChanged(TALK, "", ":1.9");
    expect(toBus.map((bytes) => parseHeader(bytes, 0).destination)).toEqual([":1.9"]);
  });

  test("a failure of the bus does not hold the consumer for ever", () => {
    const session = new Session();
    session.driver("Hello");
    const { header } = session.own.at(-1) ?? fail();
    const failure = { type: ERROR, errorName: "a.b", sender: DRIVER };
    expect(session.fromBus({ ...failure, replySerial: header.serial }).pass).toBe(false);
    expect(session.filter.isHeld).toBe(false);
  });
});

test("whatever both sides send, nothing passes that no rule allows", () => {
  const names = fc.constantFrom(TALK, HIDDEN, ":1.1", ":1.4", ":1.5", SELF, DRIVER, "");
  const members = fc.constantFrom(
    "Hello",
    "ListNames",
    "AddMatch",
    "GetNameOwner",
    "NameOwnerChanged",
    "Go",
  );
  const step = fc.record({
    up: fc.boolean(),
    parts: messageParts,
    destination: names,
    sender: fc.constantFrom(":1.1", ":1.4", ":1.5", DRIVER, ""),
    member: members,
    interface: fc.constantFrom(DRIVER, "i.j", "org.pantavisor.Xconnect1"),
    serial: fc.integer({ min: 1, max: 8 }),
    replySerial: fc.integer({ min: 1, max: 8 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      // The rules allow messages to TALK's owner :1.1 only; :1.5 never becomes its owner.
      const session = Session.open([{ access: "talk", name: TALK }]);
      const mayChange = (parts: MessageParts) => parts.member === "NameOwnerChanged";
      const called = new Set<string>();
      for (const {
        up,
        parts: { type, flags, body },
        replySerial,
        ...fields
      } of steps) {
        const common = { ...fields, type, flags: flags ?? 0, path: "/p", body: body ?? strings() };
        const parts =
          type === METHOD_RETURN || type === ERROR
            ? { ...common, replySerial, errorName: "a.b" }
            : common;
        if (!up && mayChange(parts)) continue;
        try {
          const { pass } = up ? session.fromConsumer(parts) : session.fromBus(parts);
          if (!pass) continue;
        } catch (error) {
          if (error instanceof MalformedMessage) continue;
          throw error;
        }
        const isReply = type === METHOD_RETURN || type === ERROR;
        if (up && !isReply) expect([TALK, ":1.1", SELF, DRIVER, ""]).toContain(parts.destination);
        if (up && !isReply) expect(parts.interface).not.toBe("org.pantavisor.Xconnect1");
        if (up && isReply) expect(called.has(`${parts.destination} ${replySerial}`)).toBe(true);
        if (!up) expect([SELF, ""]).toContain(parts.destination);
        if (!up && type === SIGNAL && parts.destination === "") {
          expect([":1.1", SELF, DRIVER]).toContain(parts.sender);
        }
        if (!up && type === METHOD_CALL) called.add(`${parts.sender} ${parts.serial}`);
      }
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
