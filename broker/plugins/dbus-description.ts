import { ERROR, METHOD_CALL, METHOD_RETURN, SIGNAL } from "../protocols/dbus/message-header.ts";
import type { MessageHeader } from "../protocols/dbus/message-header.ts";

const KINDS: Readonly<Record<number, string>> = {
  [METHOD_CALL]: "call",
  [METHOD_RETURN]: "reply",
  [ERROR]: "error",
  [SIGNAL]: "signal",
};

/** How the log and errors call a message of the consumer's. */
export function describe(header: MessageHeader): string {
  const what = KINDS[header.type] ?? "message";
  const of = header.interface === "" ? "" : `${header.interface}.`;
  return `${what} ${of}${header.member} to ${header.destination || "all"}`;
}
