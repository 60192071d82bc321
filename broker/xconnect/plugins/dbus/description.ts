import {
  ERROR,
  METHOD_CALL,
  METHOD_RETURN,
  SIGNAL,
} from "../../../shared/protocols/dbus/message-header.ts";
import type { MessageHeader } from "../../../shared/protocols/dbus/message-header.ts";

const KINDS: Readonly<Record<number, string>> = {
  [METHOD_CALL]: "call",
  [METHOD_RETURN]: "reply",
  [ERROR]: "error",
  [SIGNAL]: "signal",
};

/** A consumer's message in words, for log lines and errors. */
export function describe(header: MessageHeader): string {
  const what = KINDS[header.type] ?? "message";
  const of = header.interface === "" ? "" : `${header.interface}.`;
  return `${what} ${of}${header.member} to ${header.destination || "all"}`;
}

/** The reason for refusing a message because of an fd. @param what name of the fd's kind */
export function fdRefusal(what: string): string {
  return `an fd that may not pass (${what})`;
}
