import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { StartedAppengineContainer } from "../appengine/started-appengine-container.ts";
import { INDEX } from "../appengine/collect-appengine.ts";
import type { Cancellation } from "./cancellation.ts";
import { EvidenceNews } from "./evidence-news.ts";
import type { RunSettings } from "./run-settings.ts";
import type { Testimony } from "./testimony.ts";
import type { TimelineRecorder } from "./timeline-recorder.ts";
import { messageOfThrown } from "../thrown.ts";

/** Parts of its scenario that a booted appengine needs. */
export interface Recorder {
  readonly name: string;
  readonly settings: RunSettings;
  readonly cancellation: Pick<Cancellation, "evidenceOver">;
  record(testimony: Testimony): void;
}

/** Folders with the evidence of an appengine. */
export interface Collected {
  readonly folder: string;
  /** Folder of what is new since the first collection. */
  readonly news: string | undefined;
}

/** An appengine of a scenario, with what is kept of it. */
export class BootedAppengine {
  readonly container: StartedAppengineContainer;
  readonly #recorder: Recorder;
  readonly #folder: string;
  readonly #timeline: TimelineRecorder | undefined;
  readonly #news = new EvidenceNews();
  #collected = false;

  constructor(
    recorder: Recorder,
    container: StartedAppengineContainer,
    folder: string,
    timeline?: TimelineRecorder,
  ) {
    this.#recorder = recorder;
    this.#timeline = timeline;
    this.container = container;
    this.#folder = folder;
  }

  /**
   * Keep evidence, unless the run keeps none: all of it the first time, and later what is new since then.
   * @param during the check that failed; undefined at the end, where evidence that is there is enough
   * @returns where it is; undefined when nothing was kept
   */
  async collect(during?: string): Promise<Collected | undefined> {
    const { settings, name, cancellation } = this.#recorder;
    if (settings.keep === "never" || (this.#collected && during === undefined)) return undefined;
    const isFirst = !this.#collected;
    this.#collected = true;
    const folder = isFirst ? this.#folder : join(this.#folder, fileName(during ?? ""));
    const { evidenceOver: over } = cancellation;
    const collected = await this.container.collectEvidence(folder, over);
    try {
      if (isFirst) this.#news.begin(folder);
      else if (!this.#news.keep(folder)) return { folder: this.#folder, news: undefined };
    } catch (error) {
      // A full disk costs evidence, never a verdict.
      const text = `evidence of ${this.container.name} is incomplete: ${messageOfThrown(error)}`;
      this.#recorder.record({ type: "note", scenario: name, text });
    }
    if (isFirst) {
      for (const { path, what } of collected) {
        recordEvidence(this.#recorder, join(folder, path), what);
      }
    } else {
      const paths = collected.map(({ path }) => path);
      const there = paths.filter((path) => existsSync(join(folder, path)));
      const what = `new since the evidence before: ${there.join(", ")}`;
      recordEvidence(this.#recorder, folder, what);
    }
    for (const { missing } of collected) {
      if (missing === undefined) continue;
      const text = `evidence of ${this.container.name}: ${missing}`;
      this.#recorder.record({ type: "note", scenario: name, text });
    }
    if (over.aborted) {
      const text = `evidence of ${this.container.name} was cut short: the run was cancelled`;
      this.#recorder.record({ type: "note", scenario: name, text });
    }
    return { folder: this.#folder, news: isFirst ? undefined : folder };
  }

  /** Leave it running for a look; `pvh down` removes it. */
  async leave(): Promise<void> {
    const { name } = this.container;
    await this.endTimeline();
    await this.container.appengine.close();
    const text = `${name} is left running: pvh graph ${name}; pvh diagnose ${name}; pvh down ${name}`;
    this.#recorder.record({ type: "note", scenario: this.#recorder.name, text });
  }

  /** Tell the last of its timeline; another scenario may use it after this one. */
  async endTimeline(): Promise<void> {
    await this.#timeline?.end();
  }

  /** A removal that fails is noted: it must not hide why the scenario failed. */
  async remove(): Promise<void> {
    await this.endTimeline();
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

/** Ids of checks are plain; a scenario file may have others. */
function fileName(check: string): string {
  return `after-${check.replaceAll(/[^\w.-]/g, "_").slice(0, 100)}`;
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
