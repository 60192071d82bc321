import {
  ERROR,
  METHOD_CALL,
  METHOD_RETURN,
  SIGNAL,
} from "../../../shared/protocols/dbus/message-header.ts";
import type { MessageHeader } from "../../../shared/protocols/dbus/message-header.ts";
import type { Decision } from "./decision.ts";
import type { DbusSide } from "./way.ts";

const KINDS: Readonly<Record<number, string>> = {
  [METHOD_CALL]: "call",
  [METHOD_RETURN]: "reply",
  [ERROR]: "error",
  [SIGNAL]: "signal",
};

/** A consumer's message in words, for log lines and errors. */
export function describe(header: MessageHeader): string {
  const kind = KINDS[header.type] ?? "message";
  const member = [header.interface, header.member].filter((part) => part !== "").join(".");
  const what = member === "" ? kind : `${kind} ${member}`;
  return `${what} to ${header.destination || "all"}`;
}

/** A decision on a message in words, for a debug line. @param from side that sent the message */
export function describeDecision(
  from: DbusSide,
  header: MessageHeader,
  decision: Decision,
): string {
  const { pass, instead, toConsumer, denied } = decision;
  const fate = pass ? "pass" : instead === undefined ? "drop" : "replace";
  const answered = toConsumer === undefined ? "" : ", answer in place of the bus";
  const why = denied === undefined ? "" : ", denied";
  return `${fate}${answered}${why}: ${describe(header)} from the ${from}, serial ${header.serial}`;
}

/** The reason for refusing a message because of an fd. @param what name of the fd's kind */
export function fdRefusal(what: string): string {
  return `an fd that may not pass (${what})`;
}
