import type { MachineReading } from "./machine-reading.ts";

/**
 * The part of the time between two readings that the machine gave to a process on it, from
 * above 0 to 1. Three things take time away, and the worst of the first two counts:
 *
 * - Other threads: with R of them runnable on C cores, each gets C/R. The kernel's pressure
 *   counter says for how much of the time anybody waited at all.
 * - This thread came late: its timer was due after `due`, and it had not used the rest itself.
 *   A loop in a check burns CPU, which is time that it was given; a stopped machine burns none.
 * - The hypervisor: what it stole nobody here had.
 */
export function givenShare(
  before: MachineReading,
  after: MachineReading,
  { cores, due }: { readonly cores: number; readonly due: number },
): number {
  const wall = after.wall - before.wall;
  if (wall <= 0) return 1;
  const late = Math.max(0, wall - due - (after.own - before.own));
  const share = Math.min(amongOthers(before, after, cores), 1 - clamp(late / wall));
  return Math.max(LEAST, share * (1 - stolenPart(before, after)));
}

/** No thread that can run gets nothing for ever. */
const LEAST = 0.01;

function amongOthers(before: MachineReading, after: MachineReading, cores: number): number {
  const shares = [before, after].map(({ runnable = 0 }) => cores / Math.max(cores, runnable));
  const sampled = ((shares[0] ?? 1) + (shares[1] ?? 1)) / 2;
  if (before.waited === undefined || after.waited === undefined) return sampled;
  const waiting = clamp((after.waited - before.waited) / (after.wall - before.wall));
  // A thread waited, so threads outnumbered cores by at least one even if no sample shows it.
  return 1 - waiting * (1 - Math.min(sampled, cores / (cores + 1)));
}

function stolenPart(before: MachineReading, after: MachineReading): number {
  const ticks = (after.ticks ?? 0) - (before.ticks ?? 0);
  return ticks <= 0 ? 0 : clamp(((after.stolen ?? 0) - (before.stolen ?? 0)) / ticks);
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
