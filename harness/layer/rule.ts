import type { Checkout } from "./checkout.ts";

/** One thing that keeps a checkout from being as a row of the catalogue says. */
export interface LayerFinding {
  /** Path in the checkout, or of a build log. */
  readonly file: string;
  /** From 1; 1 for a file that is missing. */
  readonly line: number;
  readonly what: string;
  readonly mend: string;
}

/** Text of a build's log, and the name it is reported by. */
export interface BuildLog {
  readonly name: string;
  readonly text: string;
}

export interface Looked {
  readonly findings: readonly LayerFinding[];
  /** Reason why the checkout says nothing about this row. */
  readonly skipped?: string;
}

/** A rule for a checkout: a row of the catalogue, and the look that judges it. */
export interface LayerRule {
  readonly id: string;
  readonly look: (checkout: Checkout, logs: readonly BuildLog[]) => Looked;
}
