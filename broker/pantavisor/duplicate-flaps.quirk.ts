import type { buildGraph } from "./service-graph.ts";

/**
 * Let two providers of one name serve in turns: every other graph is built of the containers in
 * reverse.
 */
export function flapping(build: typeof buildGraph): typeof buildGraph {
  let isReverse = true;
  return (containers, peerOf, quirks) => {
    isReverse = !isReverse;
    if (!isReverse) return build(containers, peerOf, quirks);
    return build(containers.toReversed(), peerOf, quirks).toReversed();
  };
}
