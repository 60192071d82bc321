import { blockLines, factLines, whereLines } from "./block-lines.ts";
import type { BlockStyle } from "./block-lines.ts";
import { toldBlocks } from "./failure-block.ts";
import type { RunState } from "./run-state.ts";

/** Lines about everything that failed: each scenario's failures, then its evidence and commands once. */
export function failureReport(state: RunState, folder: string, style: BlockStyle): string[] {
  const { run, scenarios } = toldBlocks(state, folder);
  return [
    ...scenarios.flatMap(({ blocks }) => {
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
    ...run.flatMap((block) => [...blockLines(block, style), ""]),
  ];
}
