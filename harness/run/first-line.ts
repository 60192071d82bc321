import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { causeLine } from "../../reports/block-lines.ts";
import type { StartedAppengineContainer } from "../appengine/started-appengine-container.ts";
import { toFailure } from "../failure.ts";
import { diagnoseFailure } from "./diagnose-failure.ts";

/**
 * The first line of a failure's block, as a run would tell it: a known cause and its fix.
 * @param thrown the error of the check; undefined looks in the evidence alone
 * @returns undefined where the evidence shows no known cause
 */
export async function firstLineAbout(
  appengine: Pick<StartedAppengineContainer, "collectEvidence">,
  thrown: unknown,
  signal: AbortSignal,
): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "pvh-first-line-"));
  try {
    await appengine.collectEvidence(folder, signal);
    const failure =
      thrown === undefined
        ? ({ class: "product", code: "PVH_ASSERT", message: "" } as const)
        : toFailure(thrown);
    const [first] = diagnoseFailure(failure, folder, undefined).diagnoses;
    return first === undefined ? undefined : causeLine(first);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
