import type { AppengineConfig } from "./appengine-config.ts";
import { logFolder, revisionFolder } from "./appengine-config.ts";
import type { DeviceMeta } from "./device-meta.ts";
import type { LoadedRevision } from "./loaded-revision.ts";
import { logRevision } from "./loaded-revision.ts";
import type { PantavisorLog } from "./pantavisor-log.ts";
import { progressOf, readProgress, writeProgress } from "./storage/step-progress.ts";
import type { UsualPaths } from "./usual-paths.ts";

export interface RunningRevisionOptions {
  readonly config: AppengineConfig;
  readonly log: PantavisorLog;
  readonly meta: DeviceMeta;
  readonly paths: UsualPaths;
}

/** The revision that runs, and the places that name it: log folder, device metadata, progress. */
export class RunningRevision {
  readonly #options: RunningRevisionOptions;
  #loaded: LoadedRevision;

  constructor(first: LoadedRevision, options: RunningRevisionOptions) {
    this.#loaded = first;
    this.#options = options;
  }

  get loaded(): LoadedRevision {
    return this.#loaded;
  }

  switchTo(next: LoadedRevision): void {
    const { config, log, meta, paths } = this.#options;
    this.#loaded = next;
    log.moveTo(logFolder(config, next.revision));
    paths.pointAtLogs(next.revision);
    logRevision(next, log);
    meta.describe("pantavisor.revision", next.revision);
  }

  /** Note that it starts. A committed revision has one thing left to say: that it was READY. */
  beginCommitted(): void {
    if (readProgress(this.#folder)["status"] === "DONE") return;
    writeProgress(this.#folder, this.#isFactory ? progressOf.factoryStarting : progressOf.starting);
  }

  /** Note that it is READY, unless an update has to say so. */
  finishCommitted(): void {
    if (readProgress(this.#folder)["status"] !== "INPROGRESS") return;
    writeProgress(this.#folder, this.#isFactory ? progressOf.factory : progressOf.done);
  }

  get #folder(): string {
    return revisionFolder(this.#options.config, this.#loaded.revision);
  }

  get #isFactory(): boolean {
    return this.#loaded.revision === "0";
  }
}
