import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { STATE_SPEC } from "../../broker/shared/formats/state.ts";
import type { JsonObject } from "../../harness/exports/json-value.ts";
import { writeExport } from "../../harness/exports/write-export.ts";

/**
 * An export that brings documents of the device: `device.json`, `bsp/drivers.json` and the like.
 * The file is gone when it is disposed of.
 */
export async function stateExport(
  documents: JsonObject,
): Promise<{ readonly path: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "pvh-state-"));
  const path = join(folder, "device.pvrexport.tgz");
  await writeExport(path, {
    fragment: { "#spec": STATE_SPEC, ...documents },
    objects: new Map(),
  });
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}
