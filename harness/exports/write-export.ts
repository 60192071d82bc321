import { createHash, randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { pack } from "tar-stream";
import type { Pack } from "tar-stream";
import type { JsonObject } from "./json-value.ts";

/** The content of one object: bytes, or the file that holds them. */
export type ObjectSource = Uint8Array | { readonly file: string };

export interface ExportContent {
  /** State fragment with `#spec` first: the real pvtx takes the first key for it. */
  readonly fragment: JsonObject;
  /** Objects by sha256. The caller must give the right hash: writing does not compute it. */
  readonly objects: ReadonlyMap<string, ObjectSource>;
}

/**
 * Write a .pvrexport.tgz: member `json`, then `objects/<sha256>` in byte order. Same content,
 * same bytes. Not compressed inside its gzip frame: squashfs is already, and boot reads it.
 *
 * The file appears whole or not at all.
 */
export async function writeExport(
  path: string,
  content: ExportContent,
  signal?: AbortSignal,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  const tar = pack();
  const filling = fill(tar, content).catch((error: unknown) => tar.destroy(error as Error));
  try {
    await pipeline(tar, createGzip({ level: 0 }), createWriteStream(temporary, { flags: "wx" }), {
      ...(signal && { signal }),
    });
    await filling;
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

export function sha256Of(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function fill(tar: Pack, { fragment, objects }: ExportContent): Promise<void> {
  tar.entry(member("json"), JSON.stringify(fragment));
  for (const [sha256, source] of [...objects].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const name = `objects/${sha256}`;
    if (source instanceof Uint8Array) {
      tar.entry(member(name), Buffer.from(source));
    } else {
      const { size } = await stat(source.file);
      await pipeline(createReadStream(source.file), tar.entry({ ...member(name), size }));
    }
  }
  tar.finalize();
}

/** Header fields that do not depend on the machine or the moment: no times, no owner. */
function member(name: string) {
  return { name, mode: 0o644, mtime: new Date(0), uid: 0, gid: 0, uname: "", gname: "" };
}
