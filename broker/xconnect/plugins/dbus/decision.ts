/** The decision on a message, and further messages that it causes. */
export interface Decision {
  /** True when the message itself goes on. */
  readonly pass: boolean;
  /** Message for the receiver in place of the original one. */
  readonly instead?: Buffer;
  /** Messages for the bus, behind the original one. */
  readonly toBus?: readonly Buffer[];
  /** Message back to the consumer: the reply that the bus will not give. */
  readonly toConsumer?: Buffer;
  /** Text for the log about a thing that the link does not allow. */
  readonly denied?: string;
}

export const PASS: Decision = { pass: true };
export const DROP: Decision = { pass: false };
