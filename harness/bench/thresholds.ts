import { FIGURES } from "./figures.ts";
import type { Suite } from "./figures.ts";
import type { Row } from "./run-bench.ts";

/** Goal for the broker's figure: `factor` times the figure of the relay `of`, or `factor`. */
export interface Threshold {
  readonly suite: Suite;
  readonly figure: string;
  readonly factor: number;
  readonly of?: string;
}

/** Share of a figure that is good enough, because measurements on shared cores scatter. */
const TOLERANCE = 0.9;

export const THRESHOLDS: readonly Threshold[] = [
  { suite: "unix", figure: "throughput", factor: 1, of: "systemd-socket-proxyd" },
  { suite: "unix", figure: "throughput", factor: 0.55, of: "direct" },
  { suite: "unix", figure: "p50", factor: 3, of: "direct" },
  { suite: "unix", figure: "connections", factor: 0.35, of: "direct" },
  { suite: "unix", figure: "connections", factor: 2, of: "node net" },
  { suite: "unix", figure: "cpu", factor: 0.2 },
  { suite: "rest", figure: "requests64", factor: 0.25, of: "direct" },
  { suite: "rest", figure: "requests64", factor: 4, of: "node http" },
  { suite: "rest", figure: "violations", factor: 0 },
  { suite: "dbus", figure: "roundTrips", factor: 1, of: "xdg-dbus-proxy" },
  { suite: "dbus", figure: "inFlight64", factor: 1, of: "xdg-dbus-proxy" },
  { suite: "dbus", figure: "bodies64k", factor: 1, of: "xdg-dbus-proxy" },
  { suite: "dbus", figure: "connections", factor: 1, of: "xdg-dbus-proxy" },
  { suite: "wayland", figure: "damage", factor: 0.5, of: "fd relay in C" },
  { suite: "wayland", figure: "flooded", factor: 0.5, of: "fd relay in C" },
];

export interface ThresholdVerdict {
  readonly threshold: Threshold;
  /** The broker's figure and what it is held to, tolerance included; absent: not measured here. */
  readonly value?: number;
  readonly limit?: number;
  readonly verdict: "met" | "missed" | "not measured";
}

export function judgeRows(rows: readonly Row[]): ThresholdVerdict[] {
  const find = (suite: Suite, relay: string, figure: string) =>
    rows.find((row) => row.suite === suite && row.relay === relay)?.values[figure];
  return THRESHOLDS.map((threshold): ThresholdVerdict => {
    const { suite, figure, factor, of } = threshold;
    const value = find(suite, "broker", figure);
    const reference = of === undefined ? 1 : find(suite, of, figure);
    if (value === undefined || reference === undefined) {
      return { threshold, verdict: "not measured" };
    }
    const less = FIGURES.some(
      (one) => one.suite === suite && one.name === figure && one.better === "less",
    );
    const limit = less ? (factor * reference) / TOLERANCE : factor * reference * TOLERANCE;
    const isMet = less ? value <= limit : value >= limit;
    return { threshold, value, limit, verdict: isMet ? "met" : "missed" };
  });
}
