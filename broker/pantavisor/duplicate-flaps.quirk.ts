import type { buildGraph } from "./service-graph.ts";

/**
 * Let two providers of one name serve in turns: every other graph looks for providers in reverse.
 * The order of its links stays.
 */
export function flapping(build: typeof buildGraph): typeof buildGraph {
  let isReverse = true;
  return (containers, peerOf, quirks) => {
    isReverse = !isReverse;
    if (!isReverse) return build(containers, peerOf, quirks);
    const reversed = build(containers.toReversed(), peerOf, quirks);
    return containers.flatMap(({ name }) => reversed.filter(({ consumer }) => consumer === name));
  };
}
