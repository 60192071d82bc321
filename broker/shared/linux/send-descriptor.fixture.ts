import koffi from "koffi";
import { lastErrno, libc } from "./libc.ts";

const sendmsg = libc.func("int64_t sendmsg(int, void *, int)") as (
  fd: number,
  message: Buffer,
  flags: number,
) => number;
const MSG_NOSIGNAL = 0x4000;

/** For tests: sendmsg(2) of one byte with one fd (SCM_RIGHTS). @returns 0 or the errno */
export function sendDescriptor(socket: number, fd: number): number {
  const byte = Buffer.from("x");
  const control = Buffer.alloc(24);
  control.writeBigUInt64LE(20n, 0);
  control.writeInt32LE(1, 8);
  control.writeInt32LE(1, 12);
  control.writeInt32LE(fd, 16);
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(koffi.address(byte), 0);
  vector.writeBigUInt64LE(1n, 8);
  const message = Buffer.alloc(56);
  message.writeBigUInt64LE(koffi.address(vector), 16);
  message.writeBigUInt64LE(1n, 24);
  message.writeBigUInt64LE(koffi.address(control), 32);
  message.writeBigUInt64LE(24n, 40);
  return sendmsg(socket, message, MSG_NOSIGNAL) === -1 ? lastErrno() : 0;
}
