import { constants } from "node:os";
import { closeFd } from "./epoll.ts";
import { SystemCallError } from "./errno.ts";
import { setSocketOption } from "./socket-option.ts";
import { unixStreamSocket } from "./unix-stream.ts";

/**
 * SO_PASSRIGHTS (Linux ≥ 6.16, include/uapi/asm-generic/socket.h): when 0, whoever sends file
 * descriptors to this socket gets EPERM. A listener's value is that of the sockets it accepts.
 */
const SO_PASSRIGHTS = 83;
const { ENOPROTOOPT } = constants.errno;

let known: boolean | undefined;

/**
 * Let nobody send fds to this socket.
 * @throws SystemCallError ENOPROTOOPT when the kernel does not know the option
 */
export function refuseFds(socket: number): void {
  setSocketOption(socket, SO_PASSRIGHTS, 0);
}

/** Whether this kernel can. */
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
