import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { parseUntrusted } from "../../formats/json-depth.ts";
import type { Quirks } from "../../quirks/quirks.ts";
import { none } from "../../quirks/quirks.ts";
import { deploy } from "./deploy.ts";
import { objectStore } from "./object-store.ts";
import type { Queue } from "./queue.ts";
import { readExport } from "./read-export.ts";
import type { StateDocument } from "./state-merge.ts";
import type { StepClient } from "./step-client.ts";
import { emptyState, mergeFragment, removePart } from "./state-merge.ts";

/**
 * A pvtx transaction (facts §2.5): a state under construction, kept in a folder so that each
 * verb can be its own process. One with an object folder of its own is local and is deployed to
 * a folder; one without is remote and is committed to pv-ctrl.
 */
export interface Transaction {
  /** Is one under way? */
  isOpen(): boolean;
  /** @param base "empty", a revision folder to start from, or a state */
  begin(base: string | StateDocument, objects?: string): void;
  /** @throws Error saying what is wrong with the export; the state is then unchanged */
  add(source: string): Promise<void>;
  remove(part: string): void;
  /** Apply what was queued. */
  process(queue: Queue): void;
  show(): StateDocument;
  deploy(folder: string): void;
  /** @returns name of the new step */
  commit(client: StepClient, name?: string): Promise<string>;
  abort(): void;
}

const savedSchema = z.object({
  objects: z.string(),
  remote: z.boolean(),
  state: z.record(z.string(), z.unknown()),
});
type Saved = z.infer<typeof savedSchema>;

/** `$PVTXDIR`, else /var/cache/pvtx for root and a folder in the home of others. */
export function transactionFolder(environment: NodeJS.ProcessEnv): string {
  const chosen = environment["PVTXDIR"];
  if (chosen !== undefined && chosen !== "") return chosen;
  return process.getuid?.() === 0 ? "/var/cache/pvtx" : join(homedir(), ".local/share/pvtx");
}

export function openTransaction(folder: string, quirks: Quirks = none): Transaction {
  const file = join(folder, "transaction.json");

  function load(): Saved {
    if (!existsSync(file)) throw new Error("no transaction: begin one first");
    return savedSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  }

  function save(saved: Saved): void {
    mkdirSync(folder, { recursive: true });
    // It has to survive a kill, not a power cut: no device boots from a transaction.
    writeFileSync(`${file}.new`, JSON.stringify(saved));
    renameSync(`${file}.new`, file);
  }

  return {
    isOpen: () => existsSync(file),
    begin(base, objects) {
      if (existsSync(file)) throw new Error("a transaction is under way: deploy or abort it first");
      const state = typeof base === "string" ? stateOf(base) : base;
      save({ objects: objects ?? join(folder, "objects"), remote: objects === undefined, state });
    },
    async add(source) {
      const fragment = await readExport(source, objectStore(load().objects));
      // Reading took its time: another pvtx may have added, removed or aborted meanwhile.
      const saved = load();
      save({ ...saved, state: mergeFragment(saved.state, fragment) });
    },
    remove(part) {
      const saved = load();
      if (quirks.has("pvtx-remove-ignored")) return;
      save({ ...saved, state: removePart(saved.state, part) });
    },
    process(queue) {
      const saved = load();
      save({ ...saved, state: queue.apply(saved.state) });
    },
    show: () => load().state,
    deploy(target) {
      const { objects, state, remote } = load();
      if (remote) throw new Error("the transaction is remote: commit it");
      deploy(state, objectStore(objects), target, quirks);
      rmSync(file);
    },
    async commit(client, name) {
      const { objects, state, remote } = load();
      if (!remote) throw new Error("the transaction is local: deploy it");
      const revision = name ?? defaultName(state);
      const store = objectStore(objects);
      const references = Object.entries(state).filter(([key]) => key !== "#spec");
      for (const [, value] of references) {
        // What we do not have came with the base: the device has it.
        if (typeof value !== "string" || !store.has(value)) continue;
        await client.putObject(value, store.pathOf(value));
      }
      await client.putStep(revision, state);
      rmSync(file);
      rmSync(join(folder, "objects"), { recursive: true, force: true });
      return revision;
    },
    abort() {
      rmSync(file, { force: true });
    },
  };
}

function stateOf(base: string): StateDocument {
  return base === "empty" ? emptyState : readRevision(base);
}

/** `locals/pvtx-<seconds>-<hash of the state>-<random>`, as the real one calls it. */
function defaultName(state: StateDocument): string {
  const hash = createHash("sha256").update(JSON.stringify(state)).digest("hex").slice(0, 8);
  const seconds = Math.floor(Date.now() / 1000);
  return `locals/pvtx-${seconds}-${hash}-${randomBytes(4).toString("hex")}`;
}

/** The state of a revision folder. */
export function readRevision(revision: string): StateDocument {
  const path = join(revision, ".pvr/json");
  if (!existsSync(path)) throw new Error(`${revision} is not a revision: ${path} is missing`);
  return parseUntrusted(readFileSync(path, "utf8")) as StateDocument;
}
