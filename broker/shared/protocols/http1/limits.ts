/** Bytes of a whole head, terminators included; more is 431. */
export const MAX_HEAD_BYTES = 64 * 1024;
/** Header fields of one head; more is 431. */
export const MAX_FIELDS = 100;
/** Bytes of a chunk-size line with its extensions. */
export const MAX_CHUNK_LINE_BYTES = 1024;
/** Bytes of a trailer section, terminators included. */
export const MAX_TRAILER_BYTES = 8 * 1024;
