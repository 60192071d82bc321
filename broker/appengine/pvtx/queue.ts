import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { writeDurably } from "../durable-file.ts";
import { objectStore } from "./object-store.ts";
import { readExport } from "./read-export.ts";
import type { StateDocument } from "./state-merge.ts";
import { mergeFragment, removePart } from "./state-merge.ts";

/**
 * A pvtx queue (docs/pantavisor.md §2.5): operations that are noted in a folder, in order, and
 * applied to a state at once later. `0001.remove` holds the name of a part, `0002.unpack` the
 * fragment of an export whose objects are in the queue's object folder already.
 */
export interface Queue {
  readonly objects: string;
  remove(part: string): void;
  /** @throws Error saying what is wrong with the export; nothing is queued then */
  unpack(source: string): Promise<void>;
  apply(state: StateDocument): StateDocument;
}

const savedSchema = z.object({ queue: z.string(), objects: z.string() });

/** Begin a queue; its place is remembered in the transaction folder. */
export function newQueue(folder: string, queue: string, objects: string): void {
  if (existsSync(queue) && readdirSync(queue).length > 0) throw new Error("is not empty");
  for (const path of [folder, queue, objects]) mkdirSync(path, { recursive: true });
  writeDurably(savedFile(folder), JSON.stringify({ queue, objects }));
}

/** The queue that was begun last, or the one that is named. */
export function openQueue(folder: string, named: { queue?: string; objects?: string } = {}): Queue {
  const saved = existsSync(savedFile(folder))
    ? savedSchema.parse(JSON.parse(readFileSync(savedFile(folder), "utf8")))
    : undefined;
  const queue = named.queue ?? saved?.queue;
  const objects = named.objects ?? saved?.objects;
  if (queue === undefined || objects === undefined || !existsSync(queue)) {
    throw new Error("no queue: make a new one first");
  }
  const actions = (): string[] =>
    readdirSync(queue)
      .filter((name) => ACTION.test(name))
      .sort((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10));
  const note = (kind: "remove" | "unpack", content: string): void => {
    const number = Number.parseInt(actions().at(-1) ?? "0", 10) + 1;
    writeDurably(join(queue, `${String(number).padStart(4, "0")}.${kind}`), content);
  };
  return {
    objects,
    remove: (part) => note("remove", part),
    async unpack(source) {
      note("unpack", JSON.stringify(await readExport(source, objectStore(objects))));
    },
    apply: (state) =>
      actions().reduce((document, name) => {
        const content = readFileSync(join(queue, name), "utf8");
        return name.endsWith(".remove")
          ? removePart(document, content)
          : mergeFragment(document, JSON.parse(content) as StateDocument);
      }, state),
  };
}

const ACTION = /^\d{4,}\.(remove|unpack)$/;

function savedFile(folder: string): string {
  return join(folder, "queue.json");
}
