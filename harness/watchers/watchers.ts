import type { WatchSample } from "./sample.ts";

export type WatcherId =
  | "broker-fds"
  | "broker-memory"
  | "zombies"
  | "loops"
  | "mounts"
  | "cgroups"
  | "control-latency"
  | "error-lines";

/** A watched value beyond its limit. */
export interface Violation {
  readonly watcher: WatcherId;
  /** The value and its limit, in words. */
  readonly says: string;
  readonly value: number;
  readonly limit: number;
}

/** Violations that a scenario causes on purpose. */
export interface Expected {
  /** Watchers that its checks violate. */
  readonly watchers?: readonly WatcherId[];
  /** Lines of the level ERROR or FATAL that its checks provoke. */
  readonly errors?: readonly RegExp[];
  /** Rules of harness/diagnosis whose symptoms its containers have. */
  readonly rules?: readonly string[];
}

interface Watcher {
  readonly id: WatcherId;
  /** @returns value and limit, where the value is beyond it */
  readonly judge: (
    first: WatchSample,
    now: WatchSample,
    expected: Expected,
  ) => Omit<Violation, "watcher"> | undefined;
}

const MiB = 1024 * 1024;
/** Descriptors that sessions of containers may hold for a moment. */
const FDS = 48;
/** Bytes by which a runtime's heap may grow under load. */
const BYTES = 192 * MiB;
/** Mounts and control groups that a container in its start or stop has. */
const IN_MOTION = 4;
/** Milliseconds of given time for a reply of pv-ctrl. */
const LATENCY = 1_000;

const WATCHERS: readonly Watcher[] = [
  {
    id: "broker-fds",
    judge: ({ broker: before }, { broker }) =>
      before === undefined || broker === undefined
        ? undefined
        : above(
            broker.fds,
            before.fds + FDS,
            (value, limit) =>
              `pv-xconnect holds ${value} descriptors, ${before.fds} after the boot (limit ${limit})`,
          ),
  },
  {
    id: "broker-memory",
    judge: ({ broker: before }, { broker }) =>
      before === undefined || broker === undefined
        ? undefined
        : above(
            broker.bytes,
            before.bytes + BYTES,
            (value, limit) =>
              `the memory of pv-xconnect is ${mebibytes(value)}, ${mebibytes(before.bytes)} after the boot (limit ${mebibytes(limit)})`,
          ),
  },
  {
    id: "zombies",
    judge: (_first, { zombies }) =>
      above(zombies.length, 0, (value) => `${value} zombies: ${zombies.slice(0, 5).join(", ")}`),
  },
  {
    id: "loops",
    judge: (first, now) =>
      isOther(first, now)
        ? undefined
        : above(
            now.loops,
            first.loops,
            (value) =>
              `${value} mounts of loop devices, ${first.loops} after the boot, with the same containers`,
          ),
  },
  {
    id: "mounts",
    judge: (first, now) =>
      isOther(first, now)
        ? undefined
        : above(
            now.mounts,
            first.mounts + IN_MOTION,
            (value) => `${value} mounts, ${first.mounts} after the boot, with the same containers`,
          ),
  },
  {
    id: "cgroups",
    judge: (first, now) =>
      isOther(first, now)
        ? undefined
        : above(
            now.cgroups,
            first.cgroups + IN_MOTION,
            (value) =>
              `${value} control groups, ${first.cgroups} after the boot, with the same containers`,
          ),
  },
  {
    id: "control-latency",
    judge: (_first, { control }) =>
      above(control?.ms ?? Number.MAX_VALUE, LATENCY, (value) =>
        value === Number.MAX_VALUE
          ? "pv-ctrl does not answer"
          : `pv-ctrl answers after ${Math.round(value)} ms (limit ${LATENCY} ms)`,
      ),
  },
  {
    id: "error-lines",
    judge: (_first, { errors }, { errors: expected = [] }) => {
      const news = errors.filter((line) => !expected.some((pattern) => pattern.test(line)));
      return above(news.length, 0, () => `an ERROR line that nobody expected: ${news[0] ?? ""}`);
    },
  },
];

/** The values beyond their limits that the scenario does not expect. */
export function violationsOf(
  first: WatchSample,
  now: WatchSample,
  expected: Expected,
): Violation[] {
  return WATCHERS.flatMap(({ id, judge }) => {
    if (expected.watchers?.includes(id) === true) return [];
    const found = judge(first, now, expected);
    return found === undefined ? [] : [{ watcher: id, ...found }];
  });
}

function above(
  value: number,
  limit: number,
  words: (value: number, limit: number) => string,
): Omit<Violation, "watcher"> | undefined {
  return value > limit ? { value, limit, says: words(value, limit) } : undefined;
}

/** Other containers run than after the boot, or other versions: they have mounts and control groups of their own. */
function isOther(first: WatchSample, now: WatchSample): boolean {
  const isOtherRevision = first.control?.revision !== now.control?.revision;
  return isOtherRevision || first.containers.join(" ") !== now.containers.join(" ");
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MiB)} MiB`;
}
