import { imageTarballs } from "../deployed.ts";
import type { LayerRule } from "../rule.ts";

/** The results of the last build can be loaded. */
export const loadRule: LayerRule = {
  id: "layer.load",
  look: (checkout) => {
    const tarballs = imageTarballs(checkout);
    if (tarballs.length === 0) {
      const skipped = `nothing is built here: pvh build --kas ${checkout.root}`;
      return { findings: [], skipped };
    }
    const findings = tarballs
      .filter(({ isWhole }) => !isWhole)
      .map(({ path }) => ({
        file: path,
        line: 1,
        what: "it is empty, or a link to a file that is not there",
        mend: `build it again: pvh build --kas ${checkout.root}`,
      }));
    return { findings };
  },
};
