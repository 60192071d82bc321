import { factLines } from "../../reports/block-lines.ts";
import { checkBlock } from "../../reports/failure-block.ts";
import { noPaint } from "../../reports/paint.ts";
import { lastAttempt } from "../../reports/run-state.ts";
import type { RunState } from "../../reports/run-state.ts";
import type { Mutant } from "../catalogue/mutants.ts";
import { variantId } from "../run/variants.ts";

/** First lines of a failure's block, which tell what is broken. */
const FIRST = 3;

/**
 * The first three lines, for each quirk, of the failure that a claiming check has under it, as a reader
 * sees them who knows neither check nor quirk.
 */
export function mutantBlocks(mutants: readonly Mutant[], state: RunState): string[] {
  return mutants.flatMap(({ quirk, scenarios }) => {
    const blocks = scenarios.flatMap(({ name, claims }) => {
      const scenario = state.scenarios.get(name);
      if (scenario === undefined) return [];
      const { checks } = lastAttempt(scenario);
      return claims.flatMap((check) => {
        const failed = checks.get(variantId({ check, quirk }));
        return failed === undefined ? [] : checkBlock(name, { ...failed, id: check });
      });
    });
    const [block] = blocks;
    const reason = scenarios.flatMap(({ name, claims }) =>
      claims.flatMap((check) => {
        const scenario = state.scenarios.get(name);
        const checks = scenario === undefined ? undefined : lastAttempt(scenario).checks;
        return checks?.get(variantId({ check, quirk }))?.reason ?? [];
      }),
    )[0];
    const style = { paint: noPaint, columns: Infinity, most: Infinity };
    const lines =
      block === undefined
        ? [`  no failure${reason === undefined ? "" : `: skipped, ${reason}`}`]
        : factLines(block, style).slice(0, FIRST);
    return [quirk, ...lines.map((line) => `  ${line}`), ""];
  });
}
