import { createHash, randomInt } from "node:crypto";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Quirks } from "../../../shared/quirks/quirks.ts";
import { none } from "../../../shared/quirks/quirks.ts";
import { deploy } from "./deploy.ts";
import { checkObjects, objectStore } from "./object-store.ts";
import { ExitCode, PvtxError } from "./pvtx-error.ts";
import type { Queue } from "./queue.ts";
import { readExport } from "./read-export.ts";
import { readBase, readState } from "./read-state.ts";
import type { StateDocument } from "./state-merge.ts";
import { emptyState, mergeFragment, removePart } from "./state-merge.ts";
import { removeKey } from "./signature-alone.quirk.ts";
import type { TransactionStatus } from "./status-file.ts";
import { readStatus, statusFile, writeStatus } from "./status-file.ts";
import type { StepClient } from "./step-client.ts";

/**
 * A pvtx transaction: a state under construction, kept in a folder (`.status`, `current.json`)
 * so that each verb can be its own process. One with an object folder of its own is local and is
 * deployed to a folder; one without is remote and is committed to pv-ctrl.
 */
export interface Transaction {
  /** @returns true while a transaction is under way */
  isOpen(): boolean;
  /**
   * After `queue new` the transaction is local and has the queue's object folder.
   * @param base "empty", a revision folder or a file of JSON to start from, or a state
   */
  begin(base: string | StateDocument, objects?: string): void;
  /** @throws Error saying what is wrong with the export; the state is then unchanged */
  add(source: string): Promise<void>;
  remove(part: string): void;
  /** Apply what was queued. */
  process(queue: Queue): Promise<void>;
  show(): StateDocument;
  deploy(folder: string): void;
  /** @returns name of the new step */
  commit(client: StepClient, name?: string): Promise<string>;
  abort(): void;
}

/** `$PVTXDIR`, else /var/cache/pvtx for root and a folder in the home of others. */
export function transactionFolder(environment: NodeJS.ProcessEnv): string {
  const chosen = environment["PVTXDIR"];
  if (chosen !== undefined && chosen !== "") return chosen;
  return process.getuid?.() === 0 ? "/var/cache/pvtx" : join(homedir(), ".local/share/pvtx");
}

export function openTransaction(folder: string, quirks: Quirks = none): Transaction {
  const file = join(folder, "current.json");
  const isOpen = () => readStatus(folder)?.phase === "active";

  function load(exitCode: number): { status: TransactionStatus; state: StateDocument } {
    const status = readStatus(folder);
    if (status?.phase !== "active") {
      throw new PvtxError(exitCode, "no transaction: begin one first");
    }
    return { status, state: readState(file) };
  }

  function save(state: StateDocument): void {
    mkdirSync(folder, { recursive: true });
    // It has to survive a kill, not a power cut: no device boots from a transaction.
    writeFileSync(`${file}.new`, JSON.stringify(state));
    renameSync(`${file}.new`, file);
  }

  function finish(phase: "committed" | "deployed", { isLocal, objects }: TransactionStatus): void {
    writeStatus(folder, { phase, isLocal, objects });
  }

  /** Objects of a remote transaction wait here for its commit. */
  const waiting = join(folder, "objects");
  const storeOf = ({ isLocal, objects }: TransactionStatus) =>
    objectStore(isLocal ? objects : waiting);

  return {
    isOpen,
    begin(base, objects) {
      const status = readStatus(folder);
      if (status?.phase === "active") {
        throw new Error("a transaction is under way: deploy or abort it first");
      }
      save(typeof base === "string" ? stateOf(base) : base);
      const queued = status?.phase === "set" ? status : undefined;
      writeStatus(folder, {
        phase: "active",
        isLocal: queued?.isLocal ?? objects !== undefined,
        objects: queued?.objects ?? objects ?? "",
        queue: queued?.queue,
      });
    },
    async add(source) {
      const { status } = load(ExitCode.missing);
      const store = storeOf(status);
      // The device may have what a remote transaction does not bring; the commit will tell.
      const fragment = await readExport(source, store, { complete: status.isLocal });
      // Reading took its time: another pvtx may have added, removed or aborted meanwhile.
      save(mergeFragment(load(ExitCode.missing).state, fragment));
    },
    remove(part) {
      const { state } = load(ExitCode.nothingToChange);
      if (quirks.has("pvtx-remove-ignored")) return;
      save(quirks.has("pvtx-signature-alone") ? removeKey(state, part) : removePart(state, part));
    },
    async process(queue) {
      save(await queue.apply(load(ExitCode.nothingToChange).state));
    },
    show: () => load(ExitCode.notBegun).state,
    deploy(target) {
      const { status, state } = load(ExitCode.notBegun);
      if (!status.isLocal) throw new Error("the transaction is remote: commit it");
      const store = storeOf(status);
      checkObjects(state, store);
      deploy(state, store, target, quirks);
      finish("deployed", status);
    },
    async commit(client, name) {
      const { status, state } = load(ExitCode.notBegun);
      if (status.isLocal) {
        throw new PvtxError(ExitCode.wrongKind, "the transaction is local: deploy it");
      }
      if (name?.startsWith("locals/") === false) {
        throw new Error(`${name} is not a name for a step: it has to begin with locals/`);
      }
      const revision = name ?? defaultName(state);
      const store = storeOf(status);
      for (const [key, value] of Object.entries(state)) {
        // Objects missing from our store came with the base, so the device has them.
        if (key === "#spec" || typeof value !== "string" || !store.has(value)) continue;
        await client.putObject(value, store.pathOf(value));
      }
      await client.putStep(revision, state);
      finish("committed", status);
      rmSync(waiting, { recursive: true, force: true });
      return revision;
    },
    abort() {
      for (const path of [file, statusFile(folder)]) rmSync(path, { force: true });
      rmSync(waiting, { recursive: true, force: true });
    },
  };
}

function stateOf(base: string): StateDocument {
  return base === "empty" ? emptyState : readBase(base);
}

/** `locals/pvtx-<seconds>-<hash of the state>-<random>`, as the real one calls it. */
function defaultName(state: StateDocument): string {
  const hash = createHash("sha256").update(JSON.stringify(state)).digest("hex").slice(0, 8);
  const seconds = Math.floor(Date.now() / 1000);
  return `locals/pvtx-${seconds}-${hash}-${randomInt(2 ** 31)}`;
}
