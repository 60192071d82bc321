import { check, lastErrno, libc } from "./libc.ts";
import { constants } from "node:os";
import { closeFd } from "./epoll.ts";
import { Scratch } from "./stream-io.ts";
import { unixStreamSocket } from "./unix-stream.ts";

/**
 * SO_PASSRIGHTS (Linux ≥ 6.16, include/uapi/asm-generic/socket.h): when 0, whoever sends file
 * descriptors to this socket gets EPERM. A listener's value is that of the sockets it accepts.
 */
const SOL_SOCKET = 1;
const SO_PASSRIGHTS = 83;
const { ENOPROTOOPT } = constants.errno;

// The address as a plain number: see stream-io.ts.
const setsockopt = libc.func("int setsockopt(int, int, int, uintptr_t, unsigned int)") as (
  fd: number,
  level: number,
  option: number,
  value: number,
  length: number,
) => number;

const off = new Scratch(4);
off.bytes.fill(0);
let known: boolean | undefined;

/**
 * Let nobody send fds to this socket.
 * @throws SystemCallError ENOPROTOOPT when the kernel does not know the option
 */
export function refuseFds(socket: number): void {
  check(
    setsockopt(socket, SOL_SOCKET, SO_PASSRIGHTS, off.address, 4),
    "setsockopt",
    "SO_PASSRIGHTS",
  );
}

/** Whether this kernel can. */
export function canRefuseFds(): boolean {
  if (known !== undefined) return known;
  const socket = unixStreamSocket();
  const result = setsockopt(socket, SOL_SOCKET, SO_PASSRIGHTS, off.address, 4);
  known = result === 0;
  if (!known && lastErrno() !== ENOPROTOOPT) check(result, "setsockopt", "SO_PASSRIGHTS");
  closeFd(socket);
  return known;
}
