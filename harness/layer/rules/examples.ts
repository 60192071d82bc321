import { assignmentsOf, functionsOf, wordsOf } from "../bitbake.ts";
import type { Checkout } from "../checkout.ts";
import type { LayerFinding, LayerRule } from "../rule.ts";

const FOLDER = "recipes-containers/pv-examples";
const HOOK = "ROOTFS_POSTPROCESS_COMMAND";

/** An image has no do_install: the examples' scripts come into it after its packages. */
export const examplesRule: LayerRule = {
  id: "layer.examples",
  look: (checkout) => {
    const recipes = checkout.under(FOLDER, ".bb");
    if (recipes.length === 0) {
      const mend = "add the example recipes";
      return { findings: [{ file: FOLDER, line: 1, what: "it has no recipe", mend }] };
    }
    return { findings: recipes.flatMap((file) => notInstalled(checkout, file)) };
  },
};

function notInstalled(checkout: Checkout, file: string): LayerFinding[] {
  const text = checkout.text(file) ?? "";
  const scripts = assignmentsOf(text)
    .filter(({ name }) => /^SRC_URI(:|$)/.test(name))
    .flatMap(({ value, line }) =>
      value.split(/\s+/).flatMap((word) => {
        const [, path] = /^file:\/\/([^;]+\.(?:sh|py))(?:;|$)/.exec(word) ?? [];
        return path === undefined ? [] : [{ script: path, line }];
      }),
    );
  if (scripts.length === 0) return [];
  const hooks = new Set([...wordsOf(text, HOOK).words].flatMap((word) => word.split(";")));
  const called = functionsOf(text).filter(({ name }) => hooks.has(name));
  return scripts.flatMap(({ script, line }): LayerFinding[] => {
    const base = script.slice(script.lastIndexOf("/") + 1);
    const installs = (body: readonly { text: string }[]): boolean =>
      body.some(({ text: one }) => !/^\s*#/.test(one) && one.includes(base));
    if (called.some(({ body }) => installs(body))) return [];
    const other = functionsOf(text).find(({ body }) => installs(body));
    const where = other === undefined ? "nothing installs it" : `${other.name} is not called`;
    const mend = `install it in a function that ${HOOK} names: ${HOOK} += "${
      other === undefined || other.name === "do_install" ? "install_scripts" : other.name
    }; "`;
    return [{ file, line: other?.line ?? line, what: `${script} is in no image: ${where}`, mend }];
  });
}
