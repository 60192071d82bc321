/** Beyond these an export is refused before it fills a disk, the memory or somebody's day. */
export const EXPORT_LIMITS = {
  /** Bytes of the state fragment. */
  json: 16 * 1024 ** 2,
  /** Bytes of one object. */
  object: 2 * 1024 ** 3,
  /** Bytes of the whole archive, decompressed. */
  total: 4 * 1024 ** 3,
  /** Headers, those of directories and extended ones included. */
  members: 2 ** 18,
  /** Bytes of one member's name. */
  name: 1024,
  /** Bytes of all names together. */
  names: 64 * 1024 ** 2,
  /** Bytes of one extended header (pax, GNU long name). */
  header: 1024 ** 2,
  /** Seconds from the first byte to the last. */
  seconds: 900,
} as const;

export type ExportLimits = Readonly<Record<keyof typeof EXPORT_LIMITS, number>>;
