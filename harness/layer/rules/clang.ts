import { assignmentsOf } from "../bitbake.ts";
import type { Checkout } from "../checkout.ts";
import { asTree } from "../kas-config.ts";
import type { LayerFinding, LayerRule } from "../rule.ts";
import { YamlFile } from "../yaml-file.ts";

const BASES = ["kas/bsp-base.yaml", "kas/appengine-base.yaml"];
const DISTRO = "conf/distro/panta-distro.inc";
const PROVIDER = "PREFERRED_PROVIDER_llvm";
const PROVIDERS = [PROVIDER, "PREFERRED_PROVIDER_virtual/llvm"];
const MEND_REPO =
  "add under repos: meta-clang with url https://github.com/kraj/meta-clang.git and path layers/meta-clang";

/** The layer of clang is in both bases, and clang is the LLVM that is taken. */
export const clangRule: LayerRule = {
  id: "layer.clang",
  look: (checkout) => ({
    findings: [...BASES.flatMap((file) => withoutClang(checkout, file)), ...otherLlvm(checkout)],
  }),
};

function withoutClang(checkout: Checkout, file: string): LayerFinding[] {
  const text = checkout.text(file);
  if (text === undefined) return [{ file, line: 1, what: "it is not there", mend: MEND_REPO }];
  const yaml = new YamlFile(text);
  if (yaml.mistake !== undefined) {
    const { line, what } = yaml.mistake;
    return [{ file, line, what: `it is no YAML: ${what}`, mend: "mend the YAML" }];
  }
  const clang = asTree(asTree(asTree(yaml.value)?.["repos"])?.["meta-clang"]);
  if (typeof clang?.["url"] === "string" && typeof clang["path"] === "string") return [];
  const line = yaml.lineOf(["repos", "meta-clang"]);
  const what = clang === undefined ? "repos lacks meta-clang" : "meta-clang has no url, or no path";
  return [{ file, line, what, mend: MEND_REPO }];
}

function otherLlvm(checkout: Checkout): LayerFinding[] {
  const text = checkout.text(DISTRO);
  const mend = `set ${PROVIDER} = "clang"`;
  if (text === undefined) return [{ file: DISTRO, line: 1, what: "it is not there", mend }];
  const given = assignmentsOf(text).filter(({ name }) => PROVIDERS.includes(name));
  if (given.length === 0) {
    return [{ file: DISTRO, line: 1, what: "it prefers no provider of llvm", mend }];
  }
  return given
    .filter(({ value }) => value !== "clang")
    .map(({ name, value, line }) => ({
      file: DISTRO,
      line,
      what: `${name} is ${value}`,
      mend: `set ${name} = "clang"`,
    }));
}
