import { writeSync } from "node:fs";
import { check, libc } from "./libc.ts";
import { systemCallNumbers } from "./system-call-numbers.ts";
import { connectToInode } from "./unix-stream.ts";
import type { SocketType } from "./unix-stream.ts";
import { Scratch } from "./stream-io.ts";

/**
 * Connect with another account's credentials: SO_PEERCRED and SO_PEERGROUPS of a unix socket show
 * the credentials that the connecting *thread* had in connect(2) (unix(7), kernel init_peercred).
 * `connectAs` changes the effective ids of the calling thread alone, connects, and changes them
 * back, all in one synchronous call: no other code runs on this thread in between.
 *
 * glibc's wrappers are not used: they change all threads of the process.
 */
export interface ThreadCredentials {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

const UNCHANGED = -1;

const setIdsCall = libc.func("syscall", "long", ["long", "long", "long", "long"]) as (
  number: number,
  real: number,
  effective: number,
  saved: number,
) => number;
// The address as a plain number: see stream-io.ts.
const setgroupsCall = libc.func("syscall", "long", ["long", "size_t", "uintptr_t"]) as (
  number: number,
  count: number,
  list: number,
) => number;

/** Bytes of a gid_t. */
const GID = 4;
/** Memory for the ids of an account's groups; it grows for an account with more than 64. */
let groupList = new Scratch(64 * GID);

/**
 * @param inode O_PATH fd of the socket
 * @returns a connected non-blocking fd that the caller owns
 * @throws SystemCallError as connectToInode does, and EPERM when the broker is not root.
 *         When the broker's own credentials cannot be restored the process ends: it must not
 *         go on under another account.
 */
export function connectAs(
  inode: number,
  credentials: ThreadCredentials,
  type: SocketType = "stream",
): number {
  const own = (broker ??= currentCredentials());
  try {
    // Change groups and gid while still root. Keep the real and saved uid: they allow the way back.
    setThreadGroups(credentials.groups);
    setThreadIds("setresgid", credentials.gid);
    setThreadIds("setresuid", credentials.uid);
    return connectToInode(inode, { type });
  } finally {
    restore(own);
  }
}

/** The broker's own credentials, read once: only `connectAs` changes them, and it restores them. */
let broker: ThreadCredentials | undefined;

function currentCredentials(): ThreadCredentials {
  const { geteuid, getegid, getgroups } = process;
  if (geteuid === undefined || getegid === undefined || getgroups === undefined) {
    throw new Error("credentials need a POSIX system");
  }
  return { uid: geteuid(), gid: getegid(), groups: getgroups() };
}

function restore(own: ThreadCredentials): void {
  try {
    setThreadIds("setresuid", own.uid);
    setThreadIds("setresgid", own.gid);
    setThreadGroups(own.groups);
  } catch (error) {
    writeSync(2, `cannot take back the broker's credentials: ${String(error)}\n`);
    process.kill(process.pid, "SIGKILL");
  }
}

function setThreadIds(call: "setresuid" | "setresgid", effective: number): void {
  check(setIdsCall(systemCallNumbers()[call], UNCHANGED, effective, UNCHANGED), call);
}

function setThreadGroups(groups: readonly number[]): void {
  const size = groups.length * GID;
  if (size > groupList.bytes.length) groupList = new Scratch(size);
  for (const [index, gid] of groups.entries()) groupList.bytes.writeUInt32LE(gid, index * GID);
  const { setgroups } = systemCallNumbers();
  check(setgroupsCall(setgroups, groups.length, groupList.address), "setgroups");
}
