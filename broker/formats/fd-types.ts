/** What a link's `fds` may list; anything else never crosses a link. */
export const FD_TYPES = ["memfd", "dmabuf", "socket", "pipe", "file", "device", "eventfd"] as const;
export type FdType = (typeof FD_TYPES)[number];
