import { ExportError } from "./export-error.ts";

/**
 * A member's name as it counts: `./` before it means nothing. Everything that could lead out of
 * the archive, or that two readers could understand in two ways, is refused.
 * @throws ExportError
 */
export function memberName(bytes: Uint8Array, limit: number): string {
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const lossy = raw.toString("utf8");
  if (raw.length > limit) throw new ExportError(`has a name of ${raw.length} bytes`, lossy);
  if (Buffer.compare(Buffer.from(lossy), raw) !== 0) {
    throw new ExportError("has a name that is not UTF-8", lossy);
  }
  if (lossy.startsWith("/")) throw new ExportError("has an absolute path", lossy);
  if (lossy.split("/").includes("..")) throw new ExportError("leaves the archive", lossy);
  if (/\p{Cc}/u.test(lossy)) throw new ExportError("has a control character in its name", lossy);
  // tar -C folder . writes ./ and ./json.
  const name = lossy.replace(/^(\.\/+)+/, "");
  const segments = name.replace(/\/$/, "").split("/");
  if (lossy === "" || segments.slice(1).some((part) => part === "" || part === ".")) {
    throw new ExportError("has no usable name", lossy);
  }
  return name;
}
