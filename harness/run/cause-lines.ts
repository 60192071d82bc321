import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { causeLine } from "../../reports/block-lines.ts";
import type { StartedAppengineContainer } from "../appengine/started-appengine-container.ts";
import { toFailure } from "../failure.ts";
import { diagnoseFailure } from "./diagnose-failure.ts";

/** A known cause and its fix, as a run tells them. */
export interface CauseLine {
  /** Id of the rule in harness/diagnosis. */
  readonly rule: string;
  readonly line: string;
}

/**
 * The known causes that a failure's block would tell, the likeliest first, which is the block's first line.
 * @param thrown the error of the check; undefined looks in the evidence alone
 */
export async function causeLinesAbout(
  appengine: Pick<StartedAppengineContainer, "collectEvidence">,
  thrown: unknown,
  signal: AbortSignal,
): Promise<readonly CauseLine[]> {
  const folder = await mkdtemp(join(tmpdir(), "pvh-cause-lines-"));
  try {
    await appengine.collectEvidence(folder, signal);
    const failure =
      thrown === undefined
        ? ({ class: "product", code: "PVH_ASSERT", message: "" } as const)
        : toFailure(thrown);
    const { diagnoses } = diagnoseFailure(failure, folder);
    return diagnoses.map((one) => ({ rule: one.rule, line: causeLine(one) }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
