import type { RecordedEvent } from "./events.ts";
import { printableLine, printableTexts } from "./printable.ts";

/** Event of Chrome's trace format (JSON Array/Object Format), which ui.perfetto.dev opens. */
interface TraceEvent {
  readonly name: string;
  /** X = complete, i = instant, M = metadata. */
  readonly ph: "X" | "i" | "M";
  readonly pid: number;
  readonly tid: number;
  /** Microseconds. */
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly s?: "t";
  readonly args?: Readonly<Record<string, unknown>>;
}

/** Lines of logs that are told; ui.perfetto.dev holds all of them in memory. */
const MOST_LINES = 100_000;

/**
 * The run as a Chrome trace: a process for each scenario, with rows for stages, checks, commands, pv-ctrl,
 * and one for each container, link and log.
 */
export function perfettoTrace(events: readonly RecordedEvent[]): string {
  const trace = new Trace(events[0]?.t ?? 0);
  for (const event of events) trace.add(event);
  return `${JSON.stringify({ displayTimeUnit: "ms", traceEvents: trace.end() }, printableTexts)}\n`;
}

class Trace {
  readonly #from: number;
  readonly #events: TraceEvent[] = [];
  readonly #pids = new Map<string, number>();
  readonly #tids = new Map<string, number>();
  /** State that has begun and not ended, by row. */
  readonly #open = new Map<string, { readonly name: string; readonly t: number }>();
  #lines = 0;
  #last: number;

  /** @param from time of the first event, in milliseconds */
  constructor(from: number) {
    this.#from = from;
    this.#last = from;
  }

  add(event: RecordedEvent): void {
    const { t } = event;
    this.#last = Math.max(this.#last, t);
    switch (event.type) {
      case "run.finished":
        this.#span("run", "run", "the run", t, event.ms, { exitCode: event.exitCode });
        return;
      case "run.prepared":
        this.#span("run", "run", "preparation", t, event.ms, {});
        return;
      case "stage.finished":
        this.#span(event.scenario, "boot", event.stage, t, event.ms, {
          appengine: event.appengine,
          ok: event.ok,
        });
        return;
      case "appengine.shared":
        this.#span(event.scenario, "boot", "reset", t, event.ms, { after: event.after });
        return;
      case "check.finished":
        this.#span(event.scenario, "checks", event.check, t, event.ms, {
          verdict: event.verdict,
          ...(event.failure && { failure: printableLine(event.failure.message) }),
        });
        return;
      case "control":
        this.#span(event.scenario, "pv-ctrl", `${event.method} ${event.path}`, t, event.ms, {
          status: event.status,
          error: event.error,
        });
        return;
      case "step":
        this.#span(event.scenario, "commands", event.text, t, event.ms, { status: event.status });
        return;
      case "container.changed":
        this.#state(event.scenario, `${event.what} ${event.name}`, event.status, t);
        return;
      case "link.changed":
        this.#state(event.scenario, `link ${event.consumer}/${event.service}`, event.state, t);
        return;
      case "log":
        for (const line of event.lines) this.#line(event.scenario, event.source, line, t);
        return;
      case "note":
        this.#line(event.scenario ?? "run", "notes", event.text, t);
        return;
      case "watch.violated":
        this.#line(event.scenario, "watchers", `${event.watcher}: ${event.says}`, t);
        return;
      case "scenario.finished":
        this.#endStates(event.scenario, t);
        return;
      default:
        return;
    }
  }

  end(): readonly TraceEvent[] {
    for (const scenario of this.#pids.keys()) this.#endStates(scenario, this.#last);
    return this.#events;
  }

  #span(
    process: string,
    row: string,
    name: string,
    t: number,
    ms: number,
    args: Readonly<Record<string, unknown>>,
  ): void {
    this.#events.push({
      name: printableLine(name, 200),
      ph: "X",
      ...this.#at(process, row),
      ts: this.#ts(t - ms),
      dur: Math.round(ms * 1000),
      args,
    });
  }

  /** One state of a row ends, and the next begins. */
  #state(process: string, row: string, name: string, t: number): void {
    const key = `${process}\0${row}`;
    const before = this.#open.get(key);
    if (before !== undefined) this.#span(process, row, before.name, t, t - before.t, {});
    this.#open.set(key, { name, t });
  }

  #endStates(process: string, t: number): void {
    for (const [key, { name, t: since }] of this.#open) {
      const [of = "", row = ""] = key.split("\0");
      if (of !== process) continue;
      this.#open.delete(key);
      this.#span(process, row, name, t, t - since, {});
    }
  }

  #line(process: string, row: string, text: string, t: number): void {
    this.#lines += 1;
    if (this.#lines > MOST_LINES) return;
    const name = printableLine(text, 300);
    this.#events.push({ name, ph: "i", ...this.#at(process, row), ts: this.#ts(t), s: "t" });
  }

  #at(process: string, row: string): { readonly pid: number; readonly tid: number } {
    const known = this.#pids.get(process);
    const pid = known ?? this.#pids.size + 1;
    if (known === undefined) {
      this.#pids.set(process, pid);
      this.#name("process_name", pid, 0, process);
    }
    const key = `${process}\0${row}`;
    const knownRow = this.#tids.get(key);
    const tid = knownRow ?? this.#tids.size + 1;
    if (knownRow === undefined) {
      this.#tids.set(key, tid);
      this.#name("thread_name", pid, tid, row);
    }
    return { pid, tid };
  }

  #name(what: "process_name" | "thread_name", pid: number, tid: number, name: string): void {
    this.#events.push({ name: what, ph: "M", pid, tid, args: { name: printableLine(name, 200) } });
  }

  #ts(t: number): number {
    return Math.round((t - this.#from) * 1000);
  }
}
