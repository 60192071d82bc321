import type { Transcript } from "./transcript.ts";

/** The first point at which what a check did and got differs between two sides. */
export interface Divergence {
  /** Number of entries before it, which are alike on both sides. */
  readonly alike: number;
  /** The last of these. */
  readonly before: readonly string[];
  readonly image: DivergedSide;
  readonly against: DivergedSide;
}

export interface DivergedSide {
  /** Entries from the divergence on, and the verdict after the last one. */
  readonly next: readonly string[];
  /** Last lines of the appengine's log in the check's time. */
  readonly log: readonly string[];
}

/** A side's transcript and how the check ended there. */
export interface ToldSide {
  readonly transcript: Transcript | undefined;
  /** "passed", or the failure in one line. */
  readonly end: string;
}

/** Entries that are shown before the divergence, and from it on. */
const BEFORE = 3;
const NEXT = 6;

/** @returns undefined where both sides did and got the same */
export function firstDivergence(image: ToldSide, against: ToldSide): Divergence | undefined {
  const mine = entriesOf(image);
  const theirs = entriesOf(against);
  const alike = mine.findIndex((entry, index) => shapeOf(entry) !== shapeOf(theirs[index] ?? ""));
  if (alike < 0) return undefined;
  return {
    alike,
    before: mine.slice(Math.max(0, alike - BEFORE), alike),
    image: { next: mine.slice(alike, alike + NEXT), log: image.transcript?.log ?? [] },
    against: { next: theirs.slice(alike, alike + NEXT), log: against.transcript?.log ?? [] },
  };
}

function entriesOf({ transcript, end }: ToldSide): string[] {
  return [...(transcript?.entries ?? []), end];
}

/** Pids and random names differ from run to run, and mean nothing. The status at the end counts. */
function shapeOf(entry: string): string {
  const [, text = "", end = ""] = /^(.*)(: [^:]*)$/s.exec(entry) ?? ["", entry];
  return text.replaceAll(/[0-9a-f]*[0-9][0-9a-f]*/g, "#") + end;
}
