import { readFileSync } from "node:fs";
import { join } from "node:path";
import { STATE_SPEC } from "../../broker/shared/formats/state.ts";
import { PvhError } from "../errors.ts";
import { messageOfThrown } from "../thrown.ts";
import { isJsonObject } from "./json-value.ts";
import type { JsonObject } from "./json-value.ts";
import { writeExport } from "./write-export.ts";

/**
 * A device.json: groups, disks and network pools of a device.
 * @throws PvhError PVH_USAGE for a file that is no JSON object
 */
export function readDeviceJson(path: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new PvhError("PVH_USAGE", `${path}: ${messageOfThrown(cause)}`, { cause });
  }
  if (isJsonObject(value)) return value;
  throw new PvhError("PVH_USAGE", `${path}: a device.json is an object`);
}

/** @returns path of an export that brings the device.json and nothing else */
export async function writeDeviceExport(
  folder: string,
  device: JsonObject,
  signal: AbortSignal,
): Promise<string> {
  const path = join(folder, "device.pvrexport.tgz");
  const fragment = { "#spec": STATE_SPEC, "device.json": device };
  await writeExport(path, { fragment, objects: new Map() }, signal);
  return path;
}
