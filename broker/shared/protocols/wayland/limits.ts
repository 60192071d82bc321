/**
 * Bytes of the longest message. libwayland's buffer for incoming bytes has this size by default,
 * and before 1.23 it cannot grow: a peer drops the connection of a longer message.
 */
export const MAX_MESSAGE = 4096;

/** Fds that libwayland receives in one recvmsg(2); the kernel closes those beyond. */
export const MAX_FDS_PER_SEND = 28;

/** The first id of objects that the compositor makes. */
export const FIRST_SERVER_ID = 0xff00_0000;
