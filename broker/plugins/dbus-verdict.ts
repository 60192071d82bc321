/** What becomes of a message, and what is sent besides. */
export interface Verdict {
  /** Whether the message itself goes on. */
  readonly pass: boolean;
  /** Goes to the message's receiver in its place. */
  readonly instead?: Buffer;
  /** Goes to the bus behind the message. */
  readonly toBus?: readonly Buffer[];
  /** Goes back to the consumer: the answer that the bus will not give. */
  readonly toConsumer?: Buffer;
  /** Something the link does not allow, for the log. */
  readonly denied?: string;
}

export const PASS: Verdict = { pass: true };
export const DROP: Verdict = { pass: false };
