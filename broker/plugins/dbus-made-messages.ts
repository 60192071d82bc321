import {
  ERROR,
  METHOD_CALL,
  METHOD_RETURN,
  NO_AUTO_START,
  SIGNAL,
} from "../protocols/dbus/message-header.ts";
import { strings, writeMessage } from "../protocols/dbus/write-message.ts";
import type { MessageBody } from "../protocols/dbus/write-message.ts";
import { DRIVER } from "./dbus-driver-methods.ts";

/** Refused from consumers, so what comes on it is the broker's word. */
export const METADATA_INTERFACE = "org.pantavisor.Xconnect1";

const DRIVER_PATH = "/org/freedesktop/DBus";
const ERRORS = "org.freedesktop.DBus.Error.";

/** A call to the bus itself. */
export function driverCall(
  serial: number,
  member: string,
  { body, flags = 0 }: { body?: MessageBody; flags?: number } = {},
): Buffer {
  return writeMessage({
    type: METHOD_CALL,
    flags,
    serial,
    path: DRIVER_PATH,
    interface: DRIVER,
    member,
    destination: DRIVER,
    ...(body === undefined ? {} : { body }),
  });
}

export interface Answered {
  /** Of the call. */
  readonly replySerial: number;
  /** Of the answer: any, since a receiver tells messages apart by sender and serial. */
  readonly serial: number;
  /** The caller's unique name, "" before it has one. */
  readonly destination: string;
}

/** What the bus would answer. */
export function driverReply(answered: Answered, body: MessageBody): Buffer {
  return writeMessage({ type: METHOD_RETURN, flags: 1, ...answered, sender: DRIVER, body });
}

/** @param error the last element of its name */
export function driverError(answered: Answered, error: string, text: string): Buffer {
  const errorName = ERRORS + error;
  const body = strings(text);
  return writeMessage({ type: ERROR, flags: 1, ...answered, sender: DRIVER, errorName, body });
}

/** What the consumer would answer; the bus says whom it is from. */
export function consumerError(answered: Answered, error: string, text: string): Buffer {
  const errorName = ERRORS + error;
  return writeMessage({ type: ERROR, flags: 1, ...answered, errorName, body: strings(text) });
}

/** Tells the owner of a name who this connection is; it starts no service that does not run. */
export function metadataSignal(
  serial: number,
  destination: string,
  client: string,
  role: string,
): Buffer {
  return writeMessage({
    type: SIGNAL,
    flags: NO_AUTO_START,
    serial,
    path: "/org/pantavisor/Xconnect1",
    interface: METADATA_INTERFACE,
    member: "Client",
    destination,
    body: strings(client, role),
  });
}
