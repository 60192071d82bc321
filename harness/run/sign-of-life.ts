/** A message over the channel that vitest uses as well; its own messages are objects. */
export const ALIVE = "pvh: alive";

/** Milliseconds between two of them. */
export const ALIVE_EVERY = 250;
