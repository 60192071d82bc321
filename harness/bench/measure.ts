import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as z from "zod";
import { PvhError } from "../errors.ts";
import type { Sample, Suite } from "./figures.ts";
import { IDENTITY } from "./identity.ts";
import type { LoadProgram, LoadPrograms } from "./load-programs.ts";
import { usageOf } from "./process-usage.ts";

/** The measured socket, and the process behind it when that is not the provider. */
export interface Target {
  readonly name: string;
  readonly path: string;
  /** The provider's own socket. */
  readonly provider: string;
  readonly pid?: number;
}

export interface MeasureOptions {
  readonly programs: LoadPrograms;
  /** Duration of one load in milliseconds. */
  readonly duration: number;
  readonly signal: AbortSignal;
}

const BYTES_PER_GIB = 2 ** 30;
/** Milliseconds after which a load, which should end by itself, is stuck in the relay. */
const TIMEOUT = 30_000;

/** One round of a suite's loads on one relay. */
export async function measure(
  suite: Suite,
  target: Target,
  options: MeasureOptions,
): Promise<Sample> {
  return MEASURES[suite](target, options);
}

const MEASURES: Readonly<Record<Suite, (to: Target, options: MeasureOptions) => Promise<Sample>>> =
  {
    unix: measureUnix,
    rest: measureRest,
    dbus: measureDbus,
    wayland: measureWayland,
    input: measureInput,
  };

async function measureUnix(target: Target, options: MeasureOptions): Promise<Sample> {
  const load = (what: string) =>
    run("unix-load", [what, target.path, options.duration], target, options);
  const stream = await withUsage(target, () => load("throughput"));
  const { p50 = 0, p99 = 0 } = await load("latency");
  const dials = await withUsage(target, () => load("connections"));
  const { bytes = 0, seconds = 1 } = stream.load;
  return {
    throughput: bytes / seconds / 1e9,
    p50,
    p99,
    connections: perSecond(dials.load),
    ...(stream.cpu !== undefined && { cpu: stream.cpu / (bytes / BYTES_PER_GIB) }),
    ...(dials.cpu !== undefined && { connectionCpu: (dials.cpu / (dials.load.count ?? 0)) * 1e6 }),
    ...(stream.rss !== undefined && { rss: stream.rss }),
  };
}

/** Runs a load and adds the relay's CPU time for it (seconds) and its memory afterwards (MiB). */
async function withUsage(
  { pid }: Target,
  work: () => Promise<Load>,
): Promise<{ readonly load: Load; readonly cpu?: number; readonly rss?: number }> {
  if (pid === undefined) return { load: await work() };
  const before = usageOf(pid);
  const load = await work();
  const { cpu, rss } = usageOf(pid);
  return { load, cpu: cpu - before.cpu, rss };
}

async function measureRest(target: Target, options: MeasureOptions): Promise<Sample> {
  const identity = target.pid === undefined ? "-" : `${IDENTITY.client} ${IDENTITY.role} 2`;
  const requests = (connections: number) => {
    const args = ["requests", target.path, options.duration, connections, identity];
    return run("http-load", args, target, options);
  };
  const [one, eight, many] = [await requests(1), await requests(8), await requests(64)];
  const violations = [one, eight, many].reduce((sum, load) => sum + (load.violations ?? 0), 0);
  return {
    requests1: perSecond(one),
    requests8: perSecond(eight),
    requests64: perSecond(many),
    ...(target.pid !== undefined && { violations }),
  };
}

async function measureDbus(target: Target, options: MeasureOptions): Promise<Sample> {
  const { path } = target;
  const calls = async (inFlight: number, body: number) => {
    const args = ["calls", path, options.duration, inFlight, body];
    return perSecond(await run("dbus-load", args, target, options));
  };
  return {
    roundTrips: await calls(1, 16),
    inFlight64: await calls(64, 16),
    bodies64k: await calls(1, 65_536),
    connections: perSecond(
      await run("dbus-load", ["connections", path, options.duration], target, options),
    ),
  };
}

async function measureWayland(target: Target, options: MeasureOptions): Promise<Sample> {
  const load = async (what: string) =>
    perSecond(await run("wayland-load", [what, target.path, options.duration], target, options));
  return {
    damage: await load("damage"),
    roundTrips: await load("roundtrips"),
    flooded: await load("flooded"),
  };
}

async function measureInput(target: Target, options: MeasureOptions): Promise<Sample> {
  const load = (what: string) =>
    run("input-load", [what, target.path, target.provider, options.duration], target, options);
  const stream = await withUsage(target, () => load("events"));
  const { p50 = 0, p99 = 0 } = await load("latency");
  const { count = 0 } = stream.load;
  return {
    events: perSecond(stream.load),
    p50,
    p99,
    ...(stream.cpu !== undefined && { eventCpu: (stream.cpu / count) * 1e6 }),
  };
}

const printed = z.object({
  bytes: z.number().optional(),
  count: z.number().optional(),
  seconds: z.number().positive().optional(),
  p50: z.number().optional(),
  p99: z.number().optional(),
  violations: z.number().optional(),
});
type Load = z.infer<typeof printed>;

async function run(
  program: LoadProgram,
  args: readonly (string | number)[],
  { name }: Target,
  { programs, duration, signal }: MeasureOptions,
): Promise<Load> {
  const timeout = duration + TIMEOUT;
  try {
    const { stdout } = await promisify(execFile)(programs[program], args.map(String), {
      signal,
      timeout,
    });
    return printed.parse(JSON.parse(stdout));
  } catch (error) {
    if (signal.aborted) throw new PvhError("PVH_ABORTED", "the benchmark was cancelled");
    const why = error instanceof Error ? (error.message.trim().split("\n").at(-1) ?? "") : "";
    throw new PvhError("PVH_CAPABILITY", `${program} ${args[0] ?? ""} through ${name}: ${why}`, {
      cause: error,
    });
  }
}

function perSecond({ count = 0, seconds = 1 }: Load): number {
  return count / seconds;
}
