import { ExportError } from "./export-error.ts";
import { decoded } from "./node-decoder.ts";
import { decodedByProgram } from "./program-decoder.ts";

/** The first bytes of what compresses files. */
const MAGIC: readonly (readonly [name: string, hex: string])[] = [
  ["gzip", "1f8b"],
  ["zstd", "28b52ffd"],
  ["xz", "fd377a585a00"],
  ["bzip2", "425a68"],
  ["lz4", "04224d18"],
  ["lzip", "4c5a4950"],
  ["lzop", "894c5a4f"],
  ["compress", "1f9d"],
  ["zip", "504b0304"],
  ["7z", "377abcaf271c"],
];

/** Bytes that tell what a file is compressed with. */
export const MAGIC_BYTES = 6;

/** @returns undefined for what none of these has compressed */
export function compressionOf(head: Uint8Array): string | undefined {
  const hex = Buffer.from(head).toString("hex");
  // Frames of zstd that hold no data may come first (RFC 8878, 3.1.2).
  if (/^5.2a4d18/.test(hex)) return "zstd";
  return MAGIC.find(([, magic]) => hex.startsWith(magic))?.[0];
}

/** @throws ExportError naming a compression that cannot be read, or what is wrong */
export function decompress(
  compression: string,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  switch (compression) {
    case "gzip":
    case "zstd":
      return decoded(compression, source);
    case "xz":
    case "bzip2":
      return decodedByProgram(compression, source, signal);
    default:
      throw new ExportError(`is compressed with ${compression}, which is not supported`);
  }
}
