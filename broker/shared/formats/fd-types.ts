/** Types of descriptors that a link's `fds` may list; others never cross a link. */
export const FD_TYPES = ["memfd", "dmabuf", "socket", "pipe", "file", "device", "eventfd"] as const;
export type FdType = (typeof FD_TYPES)[number];
