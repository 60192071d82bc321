import { PvhError } from "../errors.ts";
import type { FormerDurations } from "./history.ts";

/** One of the parts that a run is divided into, each for a machine of its own. */
export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

/** Milliseconds of a scenario of which nothing is known, and that of no other either. */
const UNKNOWN = 10_000;

/**
 * The scenarios of a shard, in their order. Every scenario is in exactly one shard; those that share an
 * appengine are in the same. The parts take about as long as each other: the longest scenario that is left
 * goes to the shard that has least to do. It depends on the selection and the durations alone, so that
 * machines need not ask each other.
 */
export function shardOf<
  T extends { readonly scenario: { readonly name: string; readonly shares?: string } },
>(
  selected: readonly T[],
  { index, count }: Shard,
  former: Pick<FormerDurations, "scenarios">,
): readonly T[] {
  const usual = medianOf([...former.scenarios.values()]) ?? UNKNOWN;
  const units = Map.groupBy(selected, ({ scenario }) =>
    scenario.shares === undefined ? `scenario ${scenario.name}` : `share ${scenario.shares}`,
  );
  const measured = [...units].map(([key, members]) => ({
    key,
    members,
    ms: members.reduce((sum, one) => sum + (former.scenarios.get(one.scenario.name) ?? usual), 0),
  }));
  measured.sort((a, b) => b.ms - a.ms || (a.key < b.key ? -1 : 1));
  const loads = Array.from({ length: count }, () => 0);
  const mine = new Set<T>();
  for (const { members, ms } of measured) {
    const least = loads.indexOf(Math.min(...loads));
    loads[least] = (loads[least] ?? 0) + ms;
    if (least === index - 1) for (const one of members) mine.add(one);
  }
  return selected.filter((one) => mine.has(one));
}

function medianOf(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/**
 * The shard of `--shard I/N`, or of `--shard auto`: GitLab's CI_NODE_INDEX and CI_NODE_TOTAL, or the
 * JOB_COMPLETION_INDEX of a Kubernetes Indexed Job, which counts from 0, with JOB_COMPLETIONS.
 *
 * @throws PvhError PVH_USAGE
 */
export function readShard(text: string, env: NodeJS.ProcessEnv = process.env): Shard {
  const [, index = "", count = ""] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (index !== "") return checked(Number(index), Number(count), `--shard ${text}`);
  if (text !== "auto") throw wrong(`--shard ${text}: expected I/N, as 1/3, or auto`);
  const node = env["CI_NODE_INDEX"] ?? "";
  if (node !== "") {
    const total = env["CI_NODE_TOTAL"] ?? "";
    return checked(toNumber(node), toNumber(total), `CI_NODE_INDEX=${node} CI_NODE_TOTAL=${total}`);
  }
  const job = env["JOB_COMPLETION_INDEX"] ?? "";
  if (job !== "") {
    const total = env["JOB_COMPLETIONS"] ?? "";
    const said = `JOB_COMPLETION_INDEX=${job} JOB_COMPLETIONS=${total}`;
    return checked(toNumber(job) + 1, toNumber(total), said);
  }
  throw wrong("--shard auto: neither CI_NODE_INDEX nor JOB_COMPLETION_INDEX is set");
}

function toNumber(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : NaN;
}

function checked(index: number, count: number, said: string): Shard {
  if (index >= 1 && index <= count && count <= MOST) return { index, count };
  throw wrong(`${said}: the shards of N are 1/N to N/N, N is ${MOST} at most`);
}

const MOST = 1_000;

function wrong(message: string): PvhError {
  return new PvhError("PVH_USAGE", message, { hint: "for example --shard 1/3" });
}
