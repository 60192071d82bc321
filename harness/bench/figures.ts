/** Suites of figures: one table each in the output of `pvh bench`. */
export const SUITES = ["unix", "rest", "dbus", "wayland", "input"] as const;
export type Suite = (typeof SUITES)[number];

export interface Figure {
  readonly suite: Suite;
  readonly name: string;
  readonly title: string;
  readonly better: "more" | "less";
  /** Way to fold a relay's samples into one value; a sum shows a single violation among zeros. */
  readonly fold: "median" | "sum";
}

const median = { fold: "median" } as const;

export const FIGURES: readonly Figure[] = [
  { suite: "unix", name: "throughput", title: "GB/s", better: "more", ...median },
  { suite: "unix", name: "p50", title: "p50 µs", better: "less", ...median },
  { suite: "unix", name: "p99", title: "p99 µs", better: "less", ...median },
  { suite: "unix", name: "connections", title: "connections/s", better: "more", ...median },
  { suite: "unix", name: "connectionCpu", title: "CPU µs/connection", better: "less", ...median },
  { suite: "unix", name: "cpu", title: "CPU s/GiB", better: "less", ...median },
  { suite: "unix", name: "rss", title: "RSS MiB", better: "less", ...median },
  { suite: "rest", name: "requests1", title: "requests/s, 1", better: "more", ...median },
  { suite: "rest", name: "requests8", title: "8", better: "more", ...median },
  { suite: "rest", name: "requests64", title: "64 connections", better: "more", ...median },
  { suite: "rest", name: "violations", title: "violations", better: "less", fold: "sum" },
  { suite: "dbus", name: "roundTrips", title: "round trips/s", better: "more", ...median },
  { suite: "dbus", name: "inFlight64", title: "64 in flight/s", better: "more", ...median },
  { suite: "dbus", name: "bodies64k", title: "64 KiB bodies/s", better: "more", ...median },
  { suite: "dbus", name: "connections", title: "connections/s", better: "more", ...median },
  { suite: "wayland", name: "damage", title: "requests/s", better: "more", ...median },
  { suite: "wayland", name: "roundTrips", title: "round trips/s", better: "more", ...median },
  { suite: "wayland", name: "flooded", title: "beside a flood", better: "more", ...median },
  { suite: "input", name: "events", title: "events/s", better: "more", ...median },
  { suite: "input", name: "p50", title: "p50 µs", better: "less", ...median },
  { suite: "input", name: "p99", title: "p99 µs", better: "less", ...median },
  { suite: "input", name: "eventCpu", title: "CPU µs/event", better: "less", ...median },
];

/** Values of one measurement by figure; CPU and memory are absent where there is no relay. */
export type Sample = Readonly<Record<string, number>>;

/** @returns undefined for an empty list */
export function medianOf(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  if (high === undefined) return undefined;
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}

/** The value that stands for all samples of a figure; undefined without any. */
export function foldSamples(figure: Figure, samples: readonly Sample[]): number | undefined {
  const values = samples.flatMap((sample) => sample[figure.name] ?? []);
  if (figure.fold === "median" || values.length === 0) return medianOf(values);
  return values.reduce((sum, value) => sum + value, 0);
}
