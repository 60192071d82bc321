/**
 * The client's side of D-Bus authentication, which the broker takes towards a provider: one
 * mechanism, one attempt. SO_PEERCRED of the connection must show the same uid.
 */

export type SaslAuthReply =
  | { readonly type: "accepted"; readonly guid: string }
  | { readonly type: "rejected"; readonly reason: string };

/** The first bytes on the connection. @param uid uid to claim */
export function saslClientStart(uid: number): Buffer {
  return Buffer.from(`\0AUTH EXTERNAL ${Buffer.from(String(uid)).toString("hex")}\r\n`, "latin1");
}

/** The provider's reply to AUTH. @param line its first line, without CRLF */
export function saslAuthReply(line: string): SaslAuthReply {
  const guid = /^OK ([0-9A-Fa-f]{32})$/.exec(line)?.[1];
  if (guid !== undefined) return { type: "accepted", guid };
  if (/^REJECTED(?: |$)/.test(line)) return { type: "rejected", reason: "it rejects the uid" };
  return { type: "rejected", reason: "it does not answer AUTH with OK or REJECTED" };
}

/** Request to pass fds, sent after OK; the provider agrees by the line `saslFdsAgreed`. */
export const saslClientNegotiate: Buffer = Buffer.from("NEGOTIATE_UNIX_FD\r\n", "latin1");
export const saslFdsAgreed = "AGREE_UNIX_FD";

/** The last bytes before the messages. */
export const saslClientBegin: Buffer = Buffer.from("BEGIN\r\n", "latin1");
