import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { StartedAppengineContainer } from "../appengine/started-appengine-container.ts";
import { INDEX } from "../appengine/collect-appengine.ts";
import type { Cancellation } from "./cancellation.ts";
import type { RunSettings } from "./run-settings.ts";
import type { Testimony } from "./testimony.ts";
import { messageOfThrown } from "../thrown.ts";

/** Parts of its scenario that a booted appengine needs. */
export interface Recorder {
  readonly name: string;
  readonly settings: RunSettings;
  readonly cancellation: Pick<Cancellation, "evidenceOver">;
  record(testimony: Testimony): void;
}

/** An appengine of a scenario, with what is kept of it. */
export class BootedAppengine {
  readonly container: StartedAppengineContainer;
  readonly #recorder: Recorder;
  readonly #folder: string;
  #collected = false;

  constructor(recorder: Recorder, container: StartedAppengineContainer, folder: string) {
    this.#recorder = recorder;
    this.container = container;
    this.#folder = folder;
  }

  /** Keep evidence, once, unless the run keeps none. */
  async collect(): Promise<void> {
    if (this.#collected || this.#recorder.settings.keep === "never") return;
    this.#collected = true;
    const { evidenceOver: over } = this.#recorder.cancellation;
    for (const evidence of await this.container.collectEvidence(this.#folder, over)) {
      const { path, what, missing } = evidence;
      recordEvidence(this.#recorder, join(this.#folder, path), what);
      if (missing === undefined) continue;
      const text = `evidence of ${this.container.name}: ${missing}`;
      this.#recorder.record({ type: "note", scenario: this.#recorder.name, text });
    }
    if (over.aborted) {
      const text = `evidence of ${this.container.name} was cut short: the run was cancelled`;
      this.#recorder.record({ type: "note", scenario: this.#recorder.name, text });
    }
  }

  /** A removal that fails is noted: it must not hide why the scenario failed. */
  async remove(): Promise<void> {
    try {
      await this.container.stop();
    } catch (error) {
      const why = messageOfThrown(error);
      const text = `appengine ${this.container.name} could not be removed: ${why}`;
      this.#recorder.record({ type: "note", scenario: this.#recorder.name, text });
    }
  }

  /** Record the evidence that a failed boot has left in its folder. */
  static recordFolder(recorder: Recorder, folder: string): void {
    for (const file of listFolder(folder)) {
      const what = file === INDEX ? firstLine(join(folder, file)) : "as the failed boot left it";
      recordEvidence(recorder, join(folder, file), what);
    }
  }
}

function recordEvidence(recorder: Recorder, path: string, what: string): void {
  const inRun = relative(recorder.settings.folder, path);
  recorder.record({ type: "evidence", scenario: recorder.name, path: inRun, what });
}

function firstLine(path: string): string {
  return readFileSync(path, "utf8").split("\n", 1)[0] ?? "";
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
