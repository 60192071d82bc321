import type { GuestService } from "../../shared/formats/wasm-guest.ts";
import { MalformedMessage } from "../../shared/protocols/dbus/malformed-message.ts";
import {
  ERROR,
  METHOD_CALL,
  METHOD_RETURN,
  NO_REPLY_EXPECTED,
  SIGNAL,
} from "../../shared/protocols/dbus/message-header.ts";
import type { MessageHeader } from "../../shared/protocols/dbus/message-header.ts";
import { MessageSplitter } from "../../shared/protocols/dbus/message-splitter.ts";
import { writeMessage } from "../../shared/protocols/dbus/write-message.ts";
import type { MessageParts } from "../../shared/protocols/dbus/write-message.ts";
import {
  saslAuthReply,
  saslClientBegin,
  saslClientStart,
} from "../../shared/protocols/sasl/client.ts";
import { Connection } from "../connection.ts";
import { GuestErrno, isTimeout } from "../guest-errno.ts";
import { dial } from "../services.ts";
import { strings } from "../../shared/protocols/dbus/write-message.ts";

/** Bytes of the reply to AUTH. */
const MAX_LINE = 1024;
const MAX_SERIAL = 2 ** 32 - 1;

/** A message as it came; a message that is longer than 1 MiB ends its connection. */
export interface BusMessage {
  readonly header: MessageHeader;
  readonly body: Buffer;
}

/** Parts of a method call. */
export type Call = Required<Pick<MessageParts, "destination" | "path" | "interface" | "member">> &
  Pick<MessageParts, "body">;

/**
 * A connection to the bus of a service, over its link. It reads while it waits for a reply, or for
 * signals; what comes meanwhile stays in the kernel, as far as there is room for it.
 */
export class BusConnection {
  readonly #connection: Connection;
  readonly #splitter = new MessageSplitter(() => true);
  readonly #onSignal: (message: BusMessage) => void;
  #serial = 0;

  private constructor(connection: Connection, onSignal: (message: BusMessage) => void) {
    this.#connection = connection;
    this.#onSignal = onSignal;
  }

  /**
   * Connect, authenticate and say Hello.
   * @throws GuestErrno
   */
  static open(
    service: GuestService,
    deadline: number,
    onSignal: (message: BusMessage) => void,
  ): BusConnection {
    const connection = new Connection(dial(service, deadline));
    try {
      authenticate(connection, deadline);
      const bus = new BusConnection(connection, onSignal);
      const reply = bus.call(driverCall("Hello"), deadline);
      if (reply.header.type === ERROR) throw new GuestErrno("EACCES");
      return bus;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /**
   * Call a method and wait for its reply, which may be an error.
   * @throws GuestErrno ETIMEDOUT, after which the connection is still good; any other ends it
   */
  call(call: Call, deadline: number): BusMessage {
    this.#serial = this.#serial === MAX_SERIAL ? 1 : this.#serial + 1;
    const serial = this.#serial;
    this.#send(writeMessage({ type: METHOD_CALL, serial, ...call }), deadline);
    for (;;) {
      const message = this.#next(deadline);
      const { type, replySerial } = message.header;
      const isReply = type === METHOD_RETURN || type === ERROR;
      if (isReply && replySerial === serial) return message;
      this.#take(message, deadline);
    }
  }

  /** Wait for messages until a signal was told, or the time is over (ETIMEDOUT). */
  awaitSignal(deadline: number): void {
    for (;;) {
      const message = this.#next(deadline);
      this.#take(message, deadline);
      if (message.header.type === SIGNAL) return;
    }
  }

  close(): void {
    this.#connection.close();
  }

  #next(deadline: number): BusMessage {
    try {
      while (!this.#splitter.advance()) this.#push(this.#connection.receive(deadline));
    } catch (error) {
      if (error instanceof MalformedMessage) throw new GuestErrno("EPROTO");
      throw error;
    }
    const { header, bytes, start, end } = this.#splitter;
    if (header === undefined || !header.littleEndian) throw new GuestErrno("EPROTO");
    return { header, body: Buffer.from(bytes.subarray(start + header.headerLength, end)) };
  }

  #push(bytes: Buffer): void {
    if (bytes.length === 0) throw new GuestErrno("ECONNRESET");
    this.#splitter.push(bytes);
    this.#splitter.keep();
  }

  #send(bytes: Buffer, deadline: number): void {
    const takeIncoming = () => {
      const incoming = this.#connection.receiveNow();
      if (incoming !== undefined) this.#push(incoming);
      return true;
    };
    try {
      if (this.#connection.send(bytes, deadline, takeIncoming)) return;
    } catch (error) {
      // A part of a message may have gone: nothing can follow it.
      if (!isTimeout(error)) throw error;
    }
    throw new GuestErrno("ECONNRESET");
  }

  /** Signals are the guest's; a call to the guest, which offers nothing, gets an error. */
  #take(message: BusMessage, deadline: number): void {
    const { type, serial, sender, flags } = message.header;
    if (type === SIGNAL) this.#onSignal(message);
    if (type !== METHOD_CALL || (flags & NO_REPLY_EXPECTED) !== 0) return;
    this.#serial = this.#serial === MAX_SERIAL ? 1 : this.#serial + 1;
    const errorName = "org.freedesktop.DBus.Error.UnknownMethod";
    const own = { type: ERROR, serial: this.#serial, replySerial: serial, destination: sender };
    const body = strings("a WebAssembly guest has no objects");
    this.#send(writeMessage({ ...own, errorName, body }), deadline);
  }
}

/** A call to the bus itself. */
export function driverCall(member: string, body?: MessageParts["body"]): Call {
  const name = "org.freedesktop.DBus";
  const call = { destination: name, path: "/org/freedesktop/DBus", interface: name, member };
  return body === undefined ? call : { ...call, body };
}

function authenticate(connection: Connection, deadline: number): void {
  connection.send(saslClientStart(process.getuid?.() ?? 0), deadline);
  let reply = "";
  while (!reply.includes("\r\n")) {
    const bytes = connection.receive(deadline);
    if (bytes.length === 0 || reply.length > MAX_LINE) throw new GuestErrno("ECONNRESET");
    reply += bytes.toString("latin1");
  }
  if (saslAuthReply(reply.trimEnd()).type === "rejected") throw new GuestErrno("EACCES");
  connection.send(saslClientBegin, deadline);
}
