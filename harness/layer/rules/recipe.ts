import { assignmentsOf, wordsOf } from "../bitbake.ts";
import type { LayerFinding, LayerRule } from "../rule.ts";

const RECIPE = "recipes-wasm/wasmedge/wasmedge_git.bb";
const VERSION = "0.14.1";
const NEEDED = ["clang", "libxml2", "ncurses", "spdlog"];

/** The recipe of WasmEdge, its version and what it is built with. */
export const recipeRule: LayerRule = {
  id: "layer.recipe",
  look: (checkout) => {
    const text = checkout.text(RECIPE);
    if (text === undefined) {
      const others = checkout.under("recipes-wasm", ".bb").join(", ");
      const what = `there is no such recipe${others === "" ? "" : `, but ${others}`}`;
      const mend = `add it, with PV = "${VERSION}" and DEPENDS += "${NEEDED.join(" ")}"`;
      return { findings: [{ file: RECIPE, line: 1, what, mend }] };
    }
    const findings: LayerFinding[] = [];
    const version = assignmentsOf(text).findLast(({ name }) => name === "PV");
    if (version?.value.split("+")[0] !== VERSION) {
      findings.push({
        file: RECIPE,
        line: version?.line ?? 1,
        what:
          version === undefined
            ? "it sets no PV, so that its version is git"
            : `its version is ${version.value}`,
        mend: `set PV = "${VERSION}"`,
      });
    }
    const { words, line = 1 } = wordsOf(text, "DEPENDS");
    for (const one of NEEDED.filter((needed) => !words.has(needed))) {
      const mend = `add ${one}: DEPENDS += "${one}"`;
      findings.push({ file: RECIPE, line, what: `DEPENDS lacks ${one}`, mend });
    }
    return { findings };
  },
};
