import type { Checkout } from "../checkout.ts";
import { asTree } from "../kas-config.ts";
import { layoutOf, RELEASE_FOLDERS } from "../layouts.ts";
import type { LayerFinding, LayerRule } from "../rule.ts";
import { YamlFile } from "../yaml-file.ts";

/** Needs of a build: kas-container, and a configuration of an appengine. */
export const buildRule: LayerRule = {
  id: "layer.build",
  look: (checkout) => {
    const findings: LayerFinding[] = [];
    if (!checkout.has("kas-container")) {
      const mend = "add kas-container of the kas project to the checkout";
      findings.push({ file: "kas-container", line: 1, what: "it is not there", mend });
    }
    const layout = layoutOf(checkout);
    if (layout === undefined) {
      const what = `there is no release configuration in ${RELEASE_FOLDERS}`;
      const mend = "run .github/scripts/makemachines";
      return { findings: [...findings, { file: ".github/machines.json", line: 1, what, mend }] };
    }
    const appengines = checkout
      .under(layout.release, ".yaml")
      .filter((file) => file.startsWith(`${layout.release}/docker-`));
    if (appengines.length === 0) {
      const what = "no machine is a docker one, so that no appengine can be built";
      const mend = "add docker-x86_64 to .github/machines.json, and run makemachines";
      findings.push({ file: ".github/machines.json", line: 1, what, mend });
    }
    return { findings: [...findings, ...appengines.flatMap((file) => wrong(checkout, file))] };
  },
};

function wrong(checkout: Checkout, file: string): LayerFinding[] {
  const yaml = new YamlFile(checkout.text(file) ?? "");
  const tree = asTree(yaml.value);
  const mend = "run .github/scripts/makemachines";
  if (tree === undefined) {
    const { line = 1, what = "it is no mapping" } = yaml.mistake ?? {};
    return [{ file, line, what, mend }];
  }
  const { machine, target, distro } = tree;
  const findings: LayerFinding[] = [];
  if (typeof machine !== "string" || !file.includes(`/${machine}-`)) {
    const what = `its machine is ${String(machine)}`;
    findings.push({ file, line: yaml.lineOf(["machine"]), what, mend });
  }
  if (distro !== "panta-appengine") {
    const what = `its distro is ${String(distro)}, not panta-appengine`;
    findings.push({ file, line: yaml.lineOf(["distro"]), what, mend });
  }
  const targets = (Array.isArray(target) ? (target as unknown[]) : [target]).map(String);
  if (!targets.some((one) => one.startsWith("pantavisor-appengine"))) {
    const what = `its target is ${targets.join(", ")}, which builds no appengine`;
    findings.push({ file, line: yaml.lineOf(["target"]), what, mend });
  }
  return findings;
}
