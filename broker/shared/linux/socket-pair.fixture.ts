import { check, libc } from "./libc.ts";
import { MessageSocket } from "./message-socket.ts";
import { setSocketOption } from "./socket-option.ts";
import type { SocketType } from "./unix-stream.ts";

const socketpairCall = libc.func("int socketpair(int, int, int, void *)") as (
  family: number,
  type: number,
  protocol: number,
  pair: Buffer,
) => number;
const AF_UNIX = 1;
const SO_PASSCRED = 16;
const NONBLOCK_CLOEXEC = 0o2004000;

/** Two sockets that are connected to each other, for tests. */
export function socketPair(type: SocketType): [MessageSocket, MessageSocket] {
  const pair = Buffer.alloc(8);
  const number = type === "stream" ? 1 : 5;
  check(socketpairCall(AF_UNIX, number | NONBLOCK_CLOEXEC, 0, pair), "socketpair");
  return [
    new MessageSocket(pair.readInt32LE(0), type),
    new MessageSocket(pair.readInt32LE(4), type),
  ];
}

const eventfdCall = libc.func("int eventfd(unsigned int, int)") as (
  value: number,
  flags: number,
) => number;
const epollCall = libc.func("int epoll_create1(int)") as (flags: number) => number;

/** A new eventfd, for tests. */
export function createEventfd(): number {
  return check(eventfdCall(0, 0o2004000), "eventfd");
}

/** An anonymous inode that is no eventfd, for tests. */
export function createEpoll(): number {
  return check(epollCall(0o2000000), "epoll_create1");
}

/** Make a socket receive SCM_CREDENTIALS (SOL_SOCKET, SO_PASSCRED), for tests. */
export function passCredentials({ fd }: MessageSocket): void {
  setSocketOption(fd, SO_PASSCRED, 1);
}
