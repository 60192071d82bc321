import { check, libc } from "./libc.ts";
import { Scratch } from "./stream-io.ts";

// The address as a plain number: see stream-io.ts.
const setsockopt = libc.func("int setsockopt(int, int, int, uintptr_t, unsigned int)") as (
  fd: number,
  level: number,
  option: number,
  value: number,
  length: number,
) => number;

const SOL_SOCKET = 1;
const value = new Scratch(4);

/**
 * Set an option of the socket level that is an int.
 * @param option number from asm-generic/socket.h
 * @throws SystemCallError ENOPROTOOPT when the kernel does not know it
 */
export function setSocketOption(socket: number, option: number, number: number): void {
  value.bytes.writeInt32LE(number, 0);
  check(
    setsockopt(socket, SOL_SOCKET, option, value.address, value.bytes.length),
    "setsockopt",
    `option ${option}`,
  );
}
