import type { StateDocument } from "./pvtx/state-merge.ts";

/** Keys of volumes whose `_dm/*.json` names them as the data of a verity device. */
export function leftToHandlers(state: StateDocument): Set<string> {
  const found = new Set<string>();
  for (const [key, value] of Object.entries(state)) {
    const [, container] = /^([^/]+)\/_dm\/[^/]+\.json$/.exec(key) ?? [];
    const volume = (value as { data_device?: unknown } | null)?.data_device;
    if (container !== undefined && typeof volume === "string") found.add(`${container}/${volume}`);
  }
  return found;
}
