import { METHOD_CALL, NO_REPLY_EXPECTED } from "../../../shared/protocols/dbus/message-header.ts";
import type { MessageHeader } from "../../../shared/protocols/dbus/message-header.ts";
import type { MessageBody } from "../../../shared/protocols/dbus/write-message.ts";
import { describe } from "./description.ts";
import { driverError, driverReply } from "./made-messages.ts";
import type { DbusSessionState, ReplyKind } from "./session-state.ts";
import { DROP, PASS } from "./decision.ts";
import type { Decision } from "./decision.ts";

/** Decides on calls of the consumer: pass them, or reply in place of the bus. */
export class DbusCallDecisions {
  readonly #state: DbusSessionState;

  constructor(state: DbusSessionState) {
    this.#state = state;
  }

  /** Pass the call, and expect its reply. */
  pass({ serial, flags, destination }: MessageHeader, kind: ReplyKind = "any"): Decision {
    if ((flags & NO_REPLY_EXPECTED) === 0) this.#state.expect(serial, { kind, destination });
    return PASS;
  }

  deny(header: MessageHeader, why = "the link's rules do not allow it"): Decision {
    const what = describe(header);
    if (header.type !== METHOD_CALL) return { ...DROP, denied: what };
    return { ...this.fail(header, "AccessDenied", `${what}: ${why}`), denied: what };
  }

  /** @param error last element of the error's name */
  fail(header: MessageHeader, error: string, text: string): Decision {
    return this.#replyWith(header, driverError(this.#toCaller(header), error, text));
  }

  reply(header: MessageHeader, body: MessageBody): Decision {
    return this.#replyWith(header, driverReply(this.#toCaller(header), body));
  }

  #replyWith({ flags }: MessageHeader, toConsumer: Buffer): Decision {
    return (flags & NO_REPLY_EXPECTED) === 0 ? { ...DROP, toConsumer } : DROP;
  }

  #toCaller({ serial }: MessageHeader) {
    const { ownName } = this.#state;
    return { replySerial: serial, serial, destination: ownName };
  }
}
