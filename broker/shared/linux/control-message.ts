/**
 * The control part of sendmsg(2) and recvmsg(2) on unix sockets (cmsg(3), unix(7)), as bytes.
 * Little-endian and LP64, as every platform with a system call table here.
 */
export const MAX_FDS = 253;

export interface MessageCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

export interface Control {
  readonly fds: readonly number[];
  readonly credentials?: MessageCredentials | undefined;
}

export interface ReceivedControl extends Control {
  /** True when the message carries a timestamp (SO_TIMESTAMP): every packet does, an end never. */
  readonly hasTimestamp: boolean;
}

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const SCM_CREDENTIALS = 2;
/** Values of SCM_TIMESTAMP: SO_TIMESTAMP_OLD, and _NEW where time_t always has 64 bits. */
const SCM_TIMESTAMPS: readonly number[] = [29, 63];
const HEADER = 16;
const UCRED = 12;

export const TIMESTAMP_SPACE = space(16);
export const CREDENTIALS_SPACE = space(UCRED);
/** Bytes that hold MAX_FDS descriptors, credentials and a timestamp. */
export const CONTROL_SPACE = space(MAX_FDS * 4) + space(UCRED) + TIMESTAMP_SPACE;

export function encodeControl({ fds, credentials }: Control): Buffer {
  const parts: Buffer[] = [];
  if (credentials !== undefined) {
    const data = Buffer.alloc(UCRED);
    data.writeInt32LE(credentials.pid, 0);
    data.writeUInt32LE(credentials.uid, 4);
    data.writeUInt32LE(credentials.gid, 8);
    parts.push(message(SCM_CREDENTIALS, data));
  }
  if (fds.length > 0) {
    const data = Buffer.alloc(fds.length * 4);
    fds.forEach((fd, index) => data.writeInt32LE(fd, index * 4));
    parts.push(message(SCM_RIGHTS, data));
  }
  return Buffer.concat(parts);
}

/** @param bytes as the kernel wrote them; a message that is cut short is passed over */
export function decodeControl(bytes: Buffer): ReceivedControl {
  const fds: number[] = [];
  let credentials: MessageCredentials | undefined;
  let hasTimestamp = false;
  for (let at = 0; at + HEADER <= bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    if (length < HEADER || at + length > bytes.length) break;
    const type = bytes.readInt32LE(at + 8) === SOL_SOCKET ? bytes.readInt32LE(at + 12) : -1;
    const data = bytes.subarray(at + HEADER, at + length);
    if (type === SCM_RIGHTS) {
      for (let index = 0; index + 4 <= data.length; index += 4) fds.push(data.readInt32LE(index));
    } else if (type === SCM_CREDENTIALS && data.length >= UCRED) {
      credentials = {
        pid: data.readInt32LE(0),
        uid: data.readUInt32LE(4),
        gid: data.readUInt32LE(8),
      };
    } else if (SCM_TIMESTAMPS.includes(type)) hasTimestamp = true;
    at += align(length);
  }
  return { fds, hasTimestamp, ...(credentials === undefined ? {} : { credentials }) };
}

function message(type: number, data: Buffer): Buffer {
  const bytes = Buffer.alloc(space(data.length));
  bytes.writeBigUInt64LE(BigInt(HEADER + data.length), 0);
  bytes.writeInt32LE(SOL_SOCKET, 8);
  bytes.writeInt32LE(type, 12);
  data.copy(bytes, HEADER);
  return bytes;
}

function space(length: number): number {
  return HEADER + align(length);
}

function align(length: number): number {
  return (length + 7) & ~7;
}
