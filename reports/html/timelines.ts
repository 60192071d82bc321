import type { RecordedEvent } from "../events.ts";
import { lastAttempt } from "../run-state.ts";
import type { RunState } from "../run-state.ts";

/**
 * A thing that happened: milliseconds from the run's start, duration (0 for a moment), kind, name, and
 * what became of it. A tuple, because there are thousands.
 */
export type Moment = readonly [
  at: number,
  ms: number,
  kind: "stage" | "check" | "control" | "step" | "container" | "link" | "log" | "note",
  name: string,
  detail: string,
];

/** A graph from a moment on: consumer, provider, service and type of each link. */
export interface GraphAt {
  readonly at: number;
  readonly links: readonly (readonly [string, string, string, string])[];
}

/** The timeline of a scenario. */
export interface Timeline {
  readonly scenario: string;
  readonly from: number;
  readonly to: number;
  readonly moments: readonly Moment[];
  readonly graphs: readonly GraphAt[];
  /** Number of lines and commands that the page leaves out. */
  readonly left: number;
}

/** Characters of all timelines, and of one; changes of state are always told. */
const ALL = 4_000_000;
const ONE = 600_000;
const LONGEST = 300;

/** Timelines of the scenarios; those that failed come first to the room there is. */
export function timelinesOf(
  state: RunState,
  events: readonly RecordedEvent[],
  begun: number,
): Timeline[] {
  const byScenario = new Map<string, RecordedEvent[]>();
  for (const event of events) {
    if (!("scenario" in event)) continue;
    const known = byScenario.get(event.scenario);
    if (known === undefined) byScenario.set(event.scenario, [event]);
    else known.push(event);
  }
  const names = [...state.scenarios.values()]
    .toSorted((a, b) => weightOf(lastAttempt(a).verdict) - weightOf(lastAttempt(b).verdict))
    .map(({ name }) => name);
  let room = ALL;
  const made = new Map<string, Timeline>();
  for (const name of names) {
    const { timeline, size } = timelineOf(
      name,
      byScenario.get(name) ?? [],
      begun,
      Math.min(ONE, room),
    );
    room = Math.max(0, room - size);
    made.set(name, timeline);
  }
  return [...state.scenarios.keys()].flatMap((name) => made.get(name) ?? []);
}

function weightOf(verdict: string | undefined): number {
  return verdict === "failed" ? 0 : verdict === undefined ? 1 : 2;
}

function timelineOf(
  scenario: string,
  events: readonly RecordedEvent[],
  begun: number,
  room: number,
): { readonly timeline: Timeline; readonly size: number } {
  const moments: Moment[] = [];
  const graphs: GraphAt[] = [];
  let size = 0;
  let left = 0;
  const add = (event: RecordedEvent, ms: number, ...[kind, name, detail]: Told): void => {
    const isDetail = kind === "log" || kind === "step" || kind === "control" || kind === "note";
    const cost = 24 + Math.min(LONGEST, name.length) + Math.min(LONGEST, detail.length);
    if (isDetail && size + cost > room) {
      left += 1;
      return;
    }
    size += cost;
    const at = Math.round(event.t - begun - ms);
    moments.push([at, Math.round(ms), kind, name.slice(0, LONGEST), detail.slice(0, LONGEST)]);
  };
  for (const event of events) {
    if (event.type === "graph") {
      const links = event.links.map(
        ({ consumer, provider, service, kind }) => [consumer, provider, service, kind] as const,
      );
      graphs.push({ at: Math.round(event.t - begun), links });
      size += 40 * links.length;
    } else if (event.type === "log") {
      for (const line of event.lines) add(event, 0, "log", event.source, line);
      left += event.more ?? 0;
    } else {
      const told = toldOf(event);
      if (told !== undefined) add(event, "ms" in event ? event.ms : 0, ...told);
    }
  }
  moments.sort((a, b) => a[0] - b[0]);
  const from = Math.min(...moments.slice(0, 1).map(([at]) => at), Infinity);
  const to = moments.reduce((latest, [at, ms]) => Math.max(latest, at + ms), 0);
  const timeline = { scenario, from: Number.isFinite(from) ? from : 0, to, moments, graphs, left };
  return { timeline, size };
}

type Told = readonly [kind: Moment[2], name: string, detail: string];

function toldOf(event: RecordedEvent): Told | undefined {
  switch (event.type) {
    case "stage.finished":
      return ["stage", event.stage, event.ok ? "ok" : "failed"];
    case "check.finished":
      return ["check", event.check, event.verdict];
    case "control":
      return [
        "control",
        `${event.method} ${event.path}`,
        String(event.status ?? event.error ?? ""),
      ];
    case "step":
      return ["step", event.text, event.status === undefined ? "" : `exit ${event.status}`];
    case "container.changed":
      return ["container", `${event.what} ${event.name}`, event.status];
    case "link.changed":
      return ["link", `${event.consumer}/${event.service}`, event.state];
    case "watch.violated":
      return ["note", `watcher ${event.watcher}`, event.says];
    case "note":
      return ["note", "note", event.text];
    default:
      return undefined;
  }
}
