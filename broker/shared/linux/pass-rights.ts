import { constants } from "node:os";
import { closeFd } from "./epoll.ts";
import { SystemCallError } from "./errno.ts";
import { setSocketOption } from "./socket-option.ts";
import { unixStreamSocket } from "./unix-stream.ts";

/**
 * SO_PASSRIGHTS (Linux ≥ 6.16, include/uapi/asm-generic/socket.h): when 0, a peer that sends file
 * descriptors to this socket gets EPERM. Accepted sockets inherit their listener's value.
 */
const SO_PASSRIGHTS = 83;
const { ENOPROTOOPT } = constants.errno;

let known: boolean | undefined;

/**
 * Refuse fds that are sent to this socket.
 * @throws SystemCallError ENOPROTOOPT when the kernel does not know the option
 */
export function refuseFds(socket: number): void {
  setSocketOption(socket, SO_PASSRIGHTS, 0);
}

/** True when this kernel has the option. */
export function canRefuseFds(): boolean {
  if (known !== undefined) return known;
  const socket = unixStreamSocket();
  try {
    refuseFds(socket);
    known = true;
  } catch (error) {
    if (!(error instanceof SystemCallError) || error.errno !== ENOPROTOOPT) throw error;
    known = false;
  } finally {
    closeFd(socket);
  }
  return known;
}
