/** Sections of a module: <https://webassembly.github.io/spec/core/binary/modules.html>. */
const MEMORY_SECTION = 5;
const HEADER = 8;

/**
 * Pages with which the memories of a module begin, the largest of them.
 * @returns 0 without a memory, and for bytes that are no module: an engine refuses those
 */
export function declaredPages(module: Buffer): number {
  const reader = { bytes: module, at: HEADER };
  while (reader.at < module.length) {
    const section = module[reader.at];
    reader.at += 1;
    const size = unsigned(reader);
    const end = reader.at + size;
    if (section === MEMORY_SECTION) return largest(reader, Math.min(end, module.length));
    reader.at = end;
  }
  return 0;
}

interface Reader {
  readonly bytes: Buffer;
  at: number;
}

/** limits: a byte of flags, the minimum, and the maximum where bit 0 is set */
function largest(reader: Reader, end: number): number {
  let pages = 0;
  const count = unsigned(reader);
  for (let index = 0; index < count && reader.at < end; index += 1) {
    const flags = reader.bytes[reader.at] ?? 0;
    reader.at += 1;
    pages = Math.max(pages, unsigned(reader));
    if ((flags & 1) === 1) unsigned(reader);
  }
  return pages;
}

/** LEB128; one that is longer than 32 bits needs, or cut, is as good as no number. */
function unsigned(reader: Reader): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = reader.bytes[reader.at] ?? 0;
    reader.at += 1;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  return value;
}
