import { constants, createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import type { ExportLimits } from "../../broker/shared/pvrexport/limits.ts";
import type { PvrExport } from "../../broker/shared/pvrexport/read-pvrexport.ts";
import { readPvrExport } from "../../broker/shared/pvrexport/read-pvrexport.ts";
import { PvhError } from "../errors.ts";
import type { JsonObject } from "./json-value.ts";

/** An export as the linter sees it. */
export type ReadExport = Omit<PvrExport, "fragment"> & { readonly fragment: JsonObject };

/**
 * Read an export as pvtx does, without writing anything anywhere.
 *
 * @throws PvhError PVH_BAD_EXPORT naming the file and the member
 */
export async function readExport(
  path: string,
  options: { readonly signal?: AbortSignal; readonly limits?: ExportLimits } = {},
): Promise<ReadExport> {
  const file = await openRegular(path);
  try {
    const source = createReadStream(path, { fd: file, autoClose: false, highWaterMark: 1 << 20 });
    const read = await readPvrExport(source, options);
    return { ...read, fragment: read.fragment as JsonObject };
  } catch (error) {
    if (options.signal?.aborted === true) {
      throw new PvhError("PVH_ABORTED", `cancelled while reading ${path}`, { cause: error });
    }
    throw badExport(path, error);
  } finally {
    await file.close();
  }
}

async function openRegular(path: string): Promise<FileHandle> {
  let file: FileHandle | undefined;
  try {
    // Without O_NONBLOCK a fifo of that name would hold us until somebody writes to it.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if ((await file.stat()).isFile()) return file;
    throw new Error("not a regular file");
  } catch (error) {
    await file?.close();
    throw badExport(path, error);
  }
}

function badExport(path: string, error: unknown): PvhError {
  return new PvhError("PVH_BAD_EXPORT", `${path}: ${(error as Error).message}`, {
    hint: `make the export again; tar -tvf ${path} lists what is in it`,
    cause: error,
  });
}
