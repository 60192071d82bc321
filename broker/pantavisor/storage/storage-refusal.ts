import { NO_ROOM, isNoRoom } from "../../shared/no-room.ts";

/** Reason for which a revision could not be deployed, as pv-ctrl answers it. */
export function storageRefusal(error: unknown): {
  readonly status: 422 | 507;
  readonly reason: string;
} {
  if (isNoRoom(error)) return { status: 507, reason: NO_ROOM };
  return { status: 422, reason: `Storage: ${(error as Error).message}` };
}
