import type { Moment, Timeline } from "../timelines.ts";

type Links = Timeline["graphs"][number]["links"];

/** State at a moment of a timeline. */
export interface StateAt {
  /** Status of containers, groups and the revision, by name. */
  readonly containers: readonly (readonly [string, string])[];
  /** State of links as `CONSUMER/SERVICE`. */
  readonly links: readonly (readonly [string, string])[];
  readonly graph: Links;
  readonly running: readonly Moment[];
  readonly recent: readonly Moment[];
}

const MOST_RECENT = 25;

export function stateAt({ moments, graphs }: Timeline, at: number): StateAt {
  const containers = new Map<string, string>();
  const links = new Map<string, string>();
  const running: Moment[] = [];
  const before: Moment[] = [];
  for (const moment of moments) {
    const [begun, ms, kind, name, detail] = moment;
    if (begun > at) break;
    before.push(moment);
    if (kind === "container") containers.set(name, detail);
    else if (kind === "link") links.set(name, detail);
    else if (ms > 0 && begun + ms >= at) running.push(moment);
  }
  const graph = graphs.findLast((one) => one.at <= at)?.links ?? [];
  return {
    containers: [...containers],
    links: [...links],
    graph,
    running,
    recent: before.slice(-MOST_RECENT),
  };
}
