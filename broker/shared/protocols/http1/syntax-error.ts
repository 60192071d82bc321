/**
 * A message that must not be passed on. Parsers turn it into a `refused` event; it never
 * leaves the codec. The text is ours alone and quotes no byte of the sender.
 */
export class HttpSyntaxError extends Error {
  override readonly name = "HttpSyntaxError";
  /** Status that a server answers with: 400, 431 or 505. */
  readonly status: number;

  constructor(status: number, reason: string) {
    super(reason);
    this.status = status;
  }
}
