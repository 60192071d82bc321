/** Bytes that are not a D-Bus message: their connection cannot go on. */
export class MalformedMessage extends Error {
  override readonly name = "MalformedMessage";
}
