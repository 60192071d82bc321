import { knownErrors } from "../../layer/build-log.ts";

/** A step of a build that is worth a line. */
export interface KasProgress {
  /** For example `task 120 of 4567 (2 %): pantavisor do_compile`. */
  readonly text: string;
}

/** Why a build failed, by its own words. */
export interface KasFailure {
  readonly message: string;
  readonly mend?: string | undefined;
  /** Log of the task that failed, as bitbake names it, inside kas's container. */
  readonly taskLog?: string | undefined;
  /** The disk of the build is full. */
  readonly isDiskFull: boolean;
}

/** Characters of a line that are looked at. */
const LONGEST = 2000;
/** Lines of each kind that are kept. */
const KEPT = 20;

const TASK = /^NOTE: Running (setscene |noexec )?task (\d+) of (\d+) \((?:.*\/)?([^/)]*)\)/;
const PHASE =
  /^(?:NOTE: )?(Loading cache|Parsing recipes|Resolving any missing task queue dependencies|Initialising tasks|Executing Tasks|Executing RunQueue Tasks|Tasks Summary: .*)/;
const KAS = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - (INFO|WARNING|ERROR) +- (.*)$/;
const TASK_FAILED = /^ERROR: (\S+) (do_\w+): (.*)$/;
const TASK_LOG = /^ERROR: Logfile of failure stored in: (\S+)/;
const COMPILER = /^\| .*(?:\berror\b:|undefined reference|fatal error|No space left|No such file)/i;
const NOISE = /^ERROR: (?:Logfile of failure|Task \(|Command execution failed)/;
const CONTAINER = /^(?:kas-container: Error|docker|podman|Error response from daemon): ?(.*)$/;

/**
 * Output of kas-container and bitbake, line by line, with neither terminal nor colours: progress
 * while a build runs, and its own reason when it fails. Memory does not grow with the output.
 */
export class KasOutput {
  /** Task count, so far. */
  done = 0;
  total = 0;
  lines = 0;
  #last: string[] = [];
  #taskErrors: string[] = [];
  #errors: string[] = [];
  #details: string[] = [];
  #container: string[] = [];
  #taskLog: string | undefined;
  #percent = -1;
  #known: ReturnType<typeof knownErrors> = [];

  /** @returns progress to be shown, for the lines that have some */
  line(raw: string): KasProgress | undefined {
    const text = raw.slice(0, LONGEST).trimEnd();
    this.lines += 1;
    if (text !== "") keepLast(this.#last, text);
    this.#noteErrors(text);
    return this.#progress(text);
  }

  /** @param exit how kas-container ended, in words */
  failure(exit: string): KasFailure {
    const known = this.#known[0];
    const own =
      this.#taskErrors[0] ?? this.#errors[0] ?? this.#container[0] ?? this.#last.at(-1) ?? exit;
    const detail = this.#details[0];
    const parts = [own, ...(detail === undefined ? [] : [detail])];
    if (known !== undefined && !parts.some((part) => part.includes(known.what))) {
      parts.unshift(known.what);
    }
    return {
      message: parts.join(": "),
      mend: known?.mend,
      taskLog: this.#taskLog,
      isDiskFull: known?.what === "the disk is full",
    };
  }

  #noteErrors(text: string): void {
    const [, recipe, task, what] = TASK_FAILED.exec(text) ?? [];
    const [, log] = TASK_LOG.exec(text) ?? [];
    const [, level, message = ""] = KAS.exec(text) ?? [];
    const [, container] = CONTAINER.exec(text) ?? [];
    if (log !== undefined) this.#taskLog ??= log;
    else if (recipe !== undefined) keepFirst(this.#taskErrors, `${recipe} ${task ?? ""}: ${what}`);
    else if (text.startsWith("ERROR: ") && !NOISE.test(text))
      keepFirst(this.#errors, text.slice(7));
    else if (level === "ERROR") keepFirst(this.#container, message);
    else if (container !== undefined && container !== "") keepFirst(this.#container, container);
    else if (COMPILER.test(text)) keepFirst(this.#details, text.slice(2).trim());
    else if (!/No space left|No recipes/.test(text)) return;
    if (this.#known.length === 0) this.#known = knownErrors(text);
  }

  #progress(text: string): KasProgress | undefined {
    const [, kind = "", done, total, name = ""] = TASK.exec(text) ?? [];
    if (total !== undefined) {
      [this.done, this.total] = [Number(done), Number(total)];
      const percent = Math.floor((100 * this.done) / Math.max(1, this.total));
      if (percent === this.#percent) return undefined;
      this.#percent = percent;
      const what = name.replace(/\.bb:/, " ");
      return { text: `${kind}task ${this.done} of ${this.total} (${percent} %): ${what}` };
    }
    const [, phase] = PHASE.exec(text) ?? [];
    if (phase !== undefined) {
      this.#percent = -1;
      return { text: phase };
    }
    const [, level, message = ""] = KAS.exec(text) ?? [];
    return level === undefined || message === "" ? undefined : { text: `kas: ${message}` };
  }
}

function keepFirst(list: string[], text: string): void {
  if (list.length < KEPT) list.push(text);
}

function keepLast(list: string[], text: string): void {
  list.push(text);
  if (list.length > KEPT) list.shift();
}
