import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename, join } from "node:path";
import { syncFolder, writeDurably, writeSynced } from "../durable-file.ts";
import type { ObjectStore } from "./object-store.ts";
import { objectStore } from "./object-store.ts";
import { ExitCode, PvtxError } from "./pvtx-error.ts";
import { readExport } from "./read-export.ts";
import { readState } from "./read-state.ts";
import type { StateDocument } from "./state-merge.ts";
import { mergeFragment, removePart } from "./state-merge.ts";
import { readStatus, writeStatus } from "./status-file.ts";

/**
 * A pvtx queue: operations that are noted in a folder, in order, and applied to a state at once
 * later. `000__PART.remove` is an empty file, whose name has the part's slashes as `%2F`;
 * `001__EXPORT/json` is the fragment of an export whose objects are in the object folder already
 * (or, where another program has filled the queue, in `001__EXPORT/objects`).
 */
export interface Queue {
  readonly objects: string;
  remove(part: string): void;
  /** @throws Error saying what is wrong with the export; nothing is queued then */
  unpack(source: string): Promise<void>;
  apply(state: StateDocument): Promise<StateDocument>;
}

export const NO_QUEUE = "no queue: make a new one first";

const ACTION = /^(\d{3,})__/;

/** Begin a queue in an empty folder; its place is remembered in the transaction folder. */
export function newQueue(folder: string, queue: string, objects: string): void {
  if (existsSync(queue) && readdirSync(queue).length > 0) throw new Error("is not empty");
  adoptQueue(folder, queue, objects);
}

/** Take a folder for the queue, with what is in it. */
export function adoptQueue(folder: string, queue: string, objects: string): void {
  if (readStatus(folder)?.phase === "active") {
    const message = "a transaction is under way: deploy, commit or abort it first";
    throw new PvtxError(ExitCode.wrongKind, message);
  }
  for (const path of [queue, objects]) mkdirSync(path, { recursive: true });
  const next = Number.parseInt(actionsIn(queue).at(-1) ?? "-1", 10) + 1;
  writeStatus(folder, { phase: "set", isLocal: true, objects, queue: { folder: queue, next } });
}

/** @throws PvtxError when no queue was begun, or its folder has gone */
export function openQueue(folder: string): Queue {
  const status = readStatus(folder);
  if (status?.queue === undefined || !existsSync(status.queue.folder)) {
    throw new PvtxError(ExitCode.missing, NO_QUEUE);
  }
  const { objects, queue } = status;
  mkdirSync(objects, { recursive: true });
  const place = (name: string): string =>
    join(queue.folder, `${String(queue.next).padStart(3, "0")}__${name}`);
  const advance = (): void =>
    writeStatus(folder, { ...status, queue: { ...queue, next: queue.next + 1 } });
  return {
    objects,
    remove(part) {
      writeDurably(place(`${part.replaceAll("/", "%2F")}.remove`), "");
      advance();
    },
    async unpack(source) {
      const fragment = await readExport(source, objectStore(objects));
      const incoming = join(queue.folder, ".incoming");
      rmSync(incoming, { recursive: true, force: true });
      mkdirSync(incoming);
      writeSynced(join(incoming, "json"), JSON.stringify(fragment), "wx");
      syncFolder(incoming);
      renameSync(incoming, place(source === "-" ? "package" : basename(source)));
      syncFolder(queue.folder);
      advance();
    },
    async apply(state) {
      let document = state;
      for (const name of actionsIn(queue.folder)) {
        document = await applyAction(document, queue.folder, name, objectStore(objects));
      }
      return document;
    },
  };
}

/** Actions in the order of their numbers, which may grow beyond three digits. */
function actionsIn(queue: string): string[] {
  return readdirSync(queue)
    .filter((name) => ACTION.test(name) && !name.endsWith(".remove.new"))
    .sort()
    .sort((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10));
}

async function applyAction(
  state: StateDocument,
  queue: string,
  name: string,
  store: ObjectStore,
): Promise<StateDocument> {
  const path = join(queue, name);
  if (!statSync(path).isDirectory()) {
    if (!name.endsWith(".remove")) return state;
    const part = name.replace(ACTION, "").slice(0, -".remove".length);
    return removePart(state, part.replaceAll(/%2F/gi, "/"));
  }
  await takeObjects(join(path, "objects"), store);
  return mergeFragment(state, readState(join(path, "json")));
}

/** @throws ObjectRefused for a file whose content is not that of its name */
async function takeObjects(folder: string, store: ObjectStore): Promise<void> {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    await using file = await open(path);
    const { size } = await file.stat();
    await store.put(name, size, file.createReadStream({ autoClose: false }));
    rmSync(path);
  }
}
