import { knownErrors } from "../build-log.ts";
import type { Checkout } from "../checkout.ts";
import type { LayerFinding, LayerRule } from "../rule.ts";

const APPEND = "libthttp_git.bbappend";
const WORKSPACE = "build/workspace";

/** The library's append is found with its recipe, and no build broke for what it should export. */
export const libthttpRule: LayerRule = {
  id: "layer.libthttp",
  look: (checkout, logs) => {
    const broken = logs.flatMap(({ name, text }) =>
      knownErrors(text).map(({ line, what, mend }) => ({ file: name, line, what, mend })),
    );
    const appends = findAppends(checkout);
    const recipes = recipeFolders(checkout).flatMap((folder) =>
      checkout.under(folder, ".bb").filter((path) => /(^|\/)libthttp_[^/]*\.bb$/.test(path)),
    );
    const findings = [...broken, ...appends.flatMap((path) => unmatched(path, recipes))];
    if (appends.some((path) => path.endsWith(`/${APPEND}`)) || findings.length > 0) {
      return { findings };
    }
    if (!checkout.has(`${WORKSPACE}/sources/libthttp`)) {
      const skipped = `${WORKSPACE} has no libthttp: devtool modify libthttp adds ${APPEND}`;
      return { findings, skipped };
    }
    const mend = "devtool modify libthttp";
    const what = `${WORKSPACE}/sources/libthttp is there, but no ${APPEND}, so it is not built`;
    return { findings: [{ file: `${WORKSPACE}/appends/${APPEND}`, line: 1, what, mend }] };
  },
};

function recipeFolders(checkout: Checkout): string[] {
  const own = checkout.names("").filter((name) => name.startsWith("recipes-"));
  return [...own, "dynamic-layers", `${WORKSPACE}/recipes`];
}

function findAppends(checkout: Checkout): string[] {
  return [...recipeFolders(checkout), `${WORKSPACE}/appends`].flatMap((folder) =>
    checkout.under(folder, ".bbappend").filter((path) => /(^|\/)libthttp_[^/]*$/.test(path)),
  );
}

/** BitBake ends with "No recipes available for" where an append fits no recipe. */
function unmatched(path: string, recipes: readonly string[]): LayerFinding[] {
  const base = path.slice(path.lastIndexOf("/") + 1).replace(/\.bbappend$/, "");
  const [start = "", ...rest] = base.split("%");
  const fits = recipes.some((recipe) => {
    const name = recipe.slice(recipe.lastIndexOf("/") + 1).replace(/\.bb$/, "");
    return rest.length > 0 ? name.startsWith(start) : name === base;
  });
  if (fits) return [];
  const names = recipes.length === 0 ? "none" : recipes.join(", ");
  const what = `it fits no recipe of libthttp (${names})`;
  return [{ file: path, line: 1, what, mend: "name it as the recipe is named" }];
}
