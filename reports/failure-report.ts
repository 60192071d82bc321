import { blockLines, factLines, whereLines } from "./block-lines.ts";
import type { BlockStyle } from "./block-lines.ts";
import { outsideBlock, ownBlocksOf } from "./failure-block.ts";
import { lastAttempt } from "./run-state.ts";
import type { RunState } from "./run-state.ts";

/** Lines about everything that failed: each scenario's failures, then its evidence and commands once. */
export function failureReport(state: RunState, folder: string, style: BlockStyle): string[] {
  const failed = [...state.scenarios.values()].filter(
    (scenario) => lastAttempt(scenario).verdict === "failed",
  );
  return [
    ...failed.flatMap((scenario) => {
      const blocks = ownBlocksOf(state, scenario, folder);
      const [first] = blocks;
      if (first === undefined) return [];
      return [
        ...blocks.flatMap((block, index) => [
          ...(index === 0 ? [] : [""]),
          ...factLines(block, style),
        ]),
        ...whereLines(first, style),
        "",
      ];
    }),
    ...state.failures.flatMap((one) => [...blockLines(outsideBlock("the run", one), style), ""]),
  ];
}
