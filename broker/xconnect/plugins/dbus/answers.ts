import { METHOD_CALL, NO_REPLY_EXPECTED } from "../../../shared/protocols/dbus/message-header.ts";
import type { MessageHeader } from "../../../shared/protocols/dbus/message-header.ts";
import type { MessageBody } from "../../../shared/protocols/dbus/write-message.ts";
import { describe } from "./description.ts";
import { driverError, driverReply } from "./made-messages.ts";
import type { DbusSessionState, ReplyKind } from "./session-state.ts";
import { DROP, PASS } from "./verdict.ts";
import type { Verdict } from "./verdict.ts";

/** Makes verdicts on calls of the consumer: pass, or answer in place of the bus. */
export class DbusAnswers {
  readonly #state: DbusSessionState;

  constructor(state: DbusSessionState) {
    this.#state = state;
  }

  /** Pass the call, and expect its reply. */
  pass({ serial, flags, destination }: MessageHeader, kind: ReplyKind = "any"): Verdict {
    if ((flags & NO_REPLY_EXPECTED) === 0) this.#state.expect(serial, { kind, destination });
    return PASS;
  }

  deny(header: MessageHeader, why = "the link's rules do not allow it"): Verdict {
    const what = describe(header);
    if (header.type !== METHOD_CALL) return { ...DROP, denied: what };
    return { ...this.fail(header, "AccessDenied", `${what}: ${why}`), denied: what };
  }

  /** @param error last element of the error's name */
  fail(header: MessageHeader, error: string, text: string): Verdict {
    return this.#answer(header, driverError(this.#answered(header), error, text));
  }

  reply(header: MessageHeader, body: MessageBody): Verdict {
    return this.#answer(header, driverReply(this.#answered(header), body));
  }

  #answer({ flags }: MessageHeader, toConsumer: Buffer): Verdict {
    return (flags & NO_REPLY_EXPECTED) === 0 ? { ...DROP, toConsumer } : DROP;
  }

  #answered({ serial }: MessageHeader) {
    const { ownName } = this.#state;
    return { replySerial: serial, serial, destination: ownName };
  }
}
