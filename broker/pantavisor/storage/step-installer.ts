import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { StepRefusal } from "../control/pantavisor-view.ts";
import type { State } from "../../shared/formats/state.ts";
import { parseState } from "../../shared/formats/state.ts";
import { parseUntrusted } from "../../shared/formats/json-depth.ts";
import { SAFE_NAME } from "../../shared/formats/names.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { deploy } from "./pvtx/deploy.ts";
import { objectStore } from "./pvtx/object-store.ts";
import type { StateDocument } from "./pvtx/state-merge.ts";
import { BOOKKEEPING } from "./steps.ts";
import { storageRefusal } from "./storage-refusal.ts";

export interface InstallerOptions {
  readonly storage: string;
  /** Reason for which a revision cannot be replaced; undefined when it can. */
  readonly inUse: (revision: string) => string | undefined;
  /** Throws when a state that can be read cannot be planned: groups that do not exist. */
  readonly plan: (state: State) => void;
  /** Why the signatures of a state do not let it run; undefined when they do. */
  readonly unsigned: (state: Pick<State, "entries">) => string | undefined;
  readonly quirks: Quirks;
}

const LONGEST_NAME = 64;

/**
 * PUT /steps/locals/{rev} (docs/pantavisor.md §3.3): a state becomes a revision in storage, or
 * stays out with the reason. It runs when a command says so (docs/pantavisor.md §3.6).
 */
export function stepInstaller(options: InstallerOptions) {
  const { storage, quirks } = options;
  const store = objectStore(join(storage, "objects"));
  return (name: string, body: string): StepRefusal | undefined => {
    if (!isLocalName(name)) {
      return { status: 400, reason: `Step has bad name ${JSON.stringify(name)}` };
    }
    const use = options.inUse(name);
    if (use !== undefined) return { status: 409, reason: `Step ${name} ${use}` };
    let state: StateDocument;
    try {
      state = parseUntrusted(body) as StateDocument;
    } catch (error) {
      return unparsable(error);
    }
    const refusal = quirks.has("step-unvalidated") ? unsignedOf(state) : refusalOf(state);
    if (refusal !== undefined) return refusal;
    for (const [key, value] of Object.entries(state)) {
      if (key === "#spec" || typeof value !== "string" || store.has(value)) continue;
      return { status: 422, reason: `Storage: ${key}: object ${value} does not exist` };
    }
    return write(state, name);
  };

  function refusalOf(document: StateDocument): StepRefusal | undefined {
    try {
      const state = parseState(document, quirks);
      const unsigned = unsignedOf(document);
      if (unsigned !== undefined) return unsigned;
      options.plan(state);
      return undefined;
    } catch (error) {
      return unparsable(error);
    }
  }

  function unsignedOf(document: StateDocument): StepRefusal | undefined {
    const reason = options.unsigned({
      entries: Object.entries(document).filter(([key]) => key !== "#spec"),
    });
    return reason === undefined ? undefined : { status: 422, reason: `Secureboot: ${reason}` };
  }

  function write(state: StateDocument, name: string): StepRefusal | undefined {
    const folder = join(storage, "trails", name);
    mkdirSync(dirname(folder), { recursive: true });
    try {
      deploy(state, store, folder, quirks);
    } catch (error) {
      rmSync(`${folder}.incoming`, { recursive: true, force: true });
      return storageRefusal(error);
    }
    return undefined;
  }
}

function unparsable(error: unknown): StepRefusal {
  return { status: 422, reason: `Parser: ${(error as Error).message}` };
}

/** `locals/NAME`: one folder below, not one of those that deploy() keeps for itself. */
function isLocalName(name: string): boolean {
  const local = /^locals\/(.+)$/.exec(name)?.[1] ?? "";
  const hidden = local.startsWith(".") || BOOKKEEPING.test(local);
  return name.length <= LONGEST_NAME && SAFE_NAME.test(local) && !hidden;
}
