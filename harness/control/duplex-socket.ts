import type { Duplex } from "node:stream";
import type { Socket } from "node:net";

/**
 * Dress a stream into a container up as the socket that node:http's Agent expects. Its
 * socket-only calls (keep-alive probes, Nagle, idle timers) have no meaning on an exec stream.
 */
export function asSocket(stream: Duplex): Socket {
  const inert = { setKeepAlive: self, setNoDelay: self, setTimeout: self, ref: self, unref: self };
  return Object.assign(stream, inert) as unknown as Socket;

  function self(): Duplex {
    return stream;
  }
}
