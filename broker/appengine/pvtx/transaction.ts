import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { writeDurably } from "../durable-file.ts";
import { deploy } from "./deploy.ts";
import { objectStore } from "./object-store.ts";
import { readExport } from "./read-export.ts";
import type { StateDocument } from "./state-merge.ts";
import { emptyState, mergeFragment, removePart } from "./state-merge.ts";

/**
 * A pvtx transaction (facts §2.5): a state under construction, kept in a folder so that each
 * verb can be its own process.
 */
export interface Transaction {
  /** @param base "empty", or a revision folder to start from */
  begin(base: string, objects?: string): void;
  /** @throws Error saying what is wrong with the export; the state is then unchanged */
  add(source: string): Promise<void>;
  remove(part: string): void;
  show(): StateDocument;
  deploy(folder: string): void;
  abort(): void;
}

interface Saved {
  readonly objects: string;
  readonly state: StateDocument;
}

/** `$PVTXDIR`, else /var/cache/pvtx for root and a folder in the home of others. */
export function transactionFolder(environment: NodeJS.ProcessEnv): string {
  const chosen = environment["PVTXDIR"];
  if (chosen !== undefined && chosen !== "") return chosen;
  return process.getuid?.() === 0 ? "/var/cache/pvtx" : join(homedir(), ".local/share/pvtx");
}

export function openTransaction(folder: string): Transaction {
  const file = join(folder, "transaction.json");

  function load(): Saved {
    if (!existsSync(file)) throw new Error("no transaction: begin one first");
    return JSON.parse(readFileSync(file, "utf8")) as Saved;
  }

  function save(saved: Saved): void {
    mkdirSync(folder, { recursive: true });
    writeDurably(file, JSON.stringify(saved));
  }

  return {
    begin(base, objects = join(folder, "objects")) {
      if (existsSync(file)) throw new Error("a transaction is under way: deploy or abort it first");
      save({ objects, state: base === "empty" ? emptyState : readRevision(base) });
    },
    async add(source) {
      const { objects, state } = load();
      const fragment = await readExport(source, objectStore(objects));
      save({ objects, state: mergeFragment(state, fragment) });
    },
    remove(part) {
      const { objects, state } = load();
      save({ objects, state: removePart(state, part) });
    },
    show: () => load().state,
    deploy(target) {
      const { objects, state } = load();
      deploy(state, objectStore(objects), target);
      rmSync(file);
    },
    abort() {
      rmSync(file, { force: true });
    },
  };
}

/** The state of a revision folder. */
export function readRevision(revision: string): StateDocument {
  const path = join(revision, ".pvr/json");
  if (!existsSync(path)) throw new Error(`${revision} is not a revision: ${path} is missing`);
  return JSON.parse(readFileSync(path, "utf8")) as StateDocument;
}
