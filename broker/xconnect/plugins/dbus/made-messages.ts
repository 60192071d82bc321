import {
  ERROR,
  METHOD_CALL,
  METHOD_RETURN,
  NO_AUTO_START,
  SIGNAL,
} from "../../../shared/protocols/dbus/message-header.ts";
import { strings, writeMessage } from "../../../shared/protocols/dbus/write-message.ts";
import type { MessageBody } from "../../../shared/protocols/dbus/write-message.ts";
import { DRIVER } from "./driver-methods.ts";

/** Interface of the broker's own signals; consumers may not use it, so providers can trust it. */
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

export interface ReplyAddress {
  /** Serial of the call. */
  readonly replySerial: number;
  /** Serial of the reply: any will do, since receivers identify messages by sender and serial. */
  readonly serial: number;
  /** Unique name of the caller; "" before it has one. */
  readonly destination: string;
}

/** A reply as if from the bus. */
export function driverReply(address: ReplyAddress, body: MessageBody): Buffer {
  return writeMessage({ type: METHOD_RETURN, flags: 1, ...address, sender: DRIVER, body });
}

/** @param error last element of the error's name */
export function driverError(address: ReplyAddress, error: string, text: string): Buffer {
  const errorName = ERRORS + error;
  const body = strings(text);
  return writeMessage({ type: ERROR, flags: 1, ...address, sender: DRIVER, errorName, body });
}

/** An error as if from the consumer; the bus fills in the sender. */
export function consumerError(address: ReplyAddress, error: string, text: string): Buffer {
  const errorName = ERRORS + error;
  return writeMessage({ type: ERROR, flags: 1, ...address, errorName, body: strings(text) });
}

/**
 * A signal that tells the owner of a name this connection's consumer and role. It starts no
 * service.
 */
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
