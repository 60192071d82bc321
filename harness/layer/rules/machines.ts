import * as z from "zod";
import type { Checkout } from "../checkout.ts";
import { differingKeys, asTree, mergedConfig } from "../kas-config.ts";
import { layoutOf, RELEASE_FOLDERS } from "../layouts.ts";
import type { LayerFinding, LayerRule } from "../rule.ts";
import { YamlFile } from "../yaml-file.ts";

const LIST = ".github/machines.json";
const REMAKE = "run .github/scripts/makemachines (--remake keeps the pinned commits)";
/** Differences of one file that are listed. */
const MOST = 20;

const listSchema = z.object({
  yocto_branch: z.string(),
  machines: z.array(z.object({ name: z.string(), config: z.string() })),
});

/** Each release configuration is what makemachines would write for its machine. */
export const machinesRule: LayerRule = {
  id: "layer.machines",
  look: (checkout) => {
    const layout = layoutOf(checkout);
    if (layout === undefined) {
      const what = `there is no release configuration in ${RELEASE_FOLDERS}`;
      return { findings: [{ file: LIST, line: 1, what, mend: REMAKE }] };
    }
    const text = checkout.text(LIST);
    if (text === undefined) {
      const mend = "list the machines there, with name and config";
      return { findings: [{ file: LIST, line: 1, what: "it is not there", mend }] };
    }
    const list = parseList(text);
    if (list === undefined) {
      const what = "it is not {yocto_branch, machines: [{name, config}]}";
      return { findings: [{ file: LIST, line: 1, what, mend: "mend the JSON" }] };
    }
    const { yocto_branch: branch, machines } = list;
    const expected = machines.map(({ name }) => `${layout.release}/${name}-${branch}.yaml`);
    const extra = checkout
      .under(layout.release, `-${branch}.yaml`)
      .filter((file) => !expected.includes(file))
      .map((file) => ({
        file,
        line: 1,
        what: `${LIST} has no such machine`,
        mend: "remove the file, or add the machine to the list",
      }));
    const findings = machines.flatMap(({ config }, index) =>
      differencesOf(checkout, expected[index] ?? "", config, lineOf(text, config)),
    );
    return { findings: [...findings, ...extra] };
  },
};

function differencesOf(
  checkout: Checkout,
  file: string,
  chain: string,
  listed: number,
): LayerFinding[] {
  const parts = chain.split(":").filter((part) => part !== "");
  const { config, problems } = mergedConfig(checkout, parts);
  if (problems.length > 0) {
    const mend = `mend it; ${LIST}:${listed} names it`;
    return problems.map((problem) => ({ ...problem, mend }));
  }
  const text = checkout.text(file);
  if (text === undefined) {
    const what = `${LIST}:${listed} lists the machine, and there is no such file`;
    return [{ file, line: 1, what, mend: REMAKE }];
  }
  const yaml = new YamlFile(text);
  const found = asTree(yaml.value);
  if (found === undefined) {
    const { line = 1, what = "it is no mapping" } = yaml.mistake ?? {};
    return [{ file, line, what, mend: REMAKE }];
  }
  const differences = differingKeys(config, found);
  const shown = differences.slice(0, MOST).map((path) => ({
    file,
    line: yaml.lineOf(path),
    what: `${path.join(".")} is not as ${chain} makes it`,
    mend: REMAKE,
  }));
  if (differences.length <= MOST) return shown;
  const what = `${differences.length - MOST} more differences are not listed`;
  return [...shown, { file, line: 1, what, mend: REMAKE }];
}

function parseList(text: string): z.infer<typeof listSchema> | undefined {
  try {
    return listSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function lineOf(text: string, word: string): number {
  const at = text.indexOf(JSON.stringify(word));
  return at < 0 ? 1 : text.slice(0, at).split("\n").length;
}
