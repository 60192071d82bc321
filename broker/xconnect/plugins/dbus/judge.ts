import type { MessageHeader } from "../../../shared/protocols/dbus/message-header.ts";
import type { Decision } from "./decision.ts";

/** Decides on the messages of one way of a session. */
export interface DbusJudge {
  /** True while messages have to wait for an answer of the bus. */
  readonly isHeld: boolean;
  /** True for a message whose body decides too: it is judged only when it is complete. */
  wantsBody(header: MessageHeader): boolean;
  /**
   * @param start offset of the message in `bytes`, where its flags may be changed
   * @throws MalformedMessage
   */
  judge(header: MessageHeader, bytes: Buffer, start: number): Decision;
  /**
   * The decision on a message that would pass but for one of its fds.
   * @param what name of the fd's kind
   */
  refuseFds(header: MessageHeader, what: string): Decision;
}
