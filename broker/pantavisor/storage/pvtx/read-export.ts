import { createReadStream } from "node:fs";
import { STATE_SPEC } from "../../../shared/formats/state.ts";
import { ExportError } from "../../../shared/pvrexport/export-error.ts";
import { checkContent, readPvrExport } from "../../../shared/pvrexport/read-pvrexport.ts";
import type { ObjectStore } from "./object-store.ts";
import { checkObjects } from "./object-store.ts";
import type { StateDocument } from "./state-merge.ts";

/** Large reads: with 64 KiB every chunk costs a trip through the thread pool. */
const CHUNK_BYTES = 1024 * 1024;

/**
 * Store the export's objects and return its fragment.
 * @param source path, or "-" for standard input
 * @param options.complete whether each object of an archive must come with it or be in the store;
 *        default true. Bare JSON brings none: there deploy() asks for them.
 * @throws Error saying what is wrong with the export
 */
export async function readExport(
  source: string,
  store: ObjectStore,
  { complete = true }: { readonly complete?: boolean } = {},
): Promise<StateDocument> {
  const bytes =
    source === "-" ? process.stdin : createReadStream(source, { highWaterMark: CHUNK_BYTES });
  const { fragment, isBare } = await readPvrExport(bytes, {
    // The store drains an object that it already has; an export must match its checksums anyway.
    store: (sha256, size, content) =>
      store.has(sha256) ? checkContent(sha256, size, content) : store.put(sha256, size, content),
  });
  const { "#spec": spec = STATE_SPEC } = fragment;
  if (spec !== STATE_SPEC) {
    throw new ExportError(`#spec: must be ${STATE_SPEC}, is ${JSON.stringify(spec)}`);
  }
  if (complete && !isBare) checkObjects(fragment, store);
  return fragment;
}
