/** What was received is not D-Bus: the connection it came on cannot go on. */
export class MalformedMessage extends Error {
  override readonly name = "MalformedMessage";
}
