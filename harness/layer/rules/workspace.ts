import { functionsOf } from "../bitbake.ts";
import type { Checkout } from "../checkout.ts";
import { asTree } from "../kas-config.ts";
import type { LayerFinding, LayerRule } from "../rule.ts";
import { YamlFile } from "../yaml-file.ts";

const FILE = "kas/with-workspace.yaml";
const FOLDER = "build/workspace";
const SWITCH = "PVR_DISABLE_SELF_UPGRADE";
const VERBS =
  "init|add|app|commit|export|sig|get|merge|checkout|clone|deploy|put|post|import|fastcopy|device";
/** A line on which the shell runs pvr, not one that prints or installs it. */
const CALL = new RegExp(`(?:^|[;&|(]|\\bsudo)\\s*(?:\\S*/)?pvr\\s+(?:${VERBS})\\b`);
const GLOBAL = new RegExp(`^export\\s+${SWITCH}\\s*\\??=\\s*["'](?:1|true)["']`, "m");

/** The overlay for a devtool workspace, and no pvr that replaces itself while it builds. */
export const workspaceRule: LayerRule = {
  id: "layer.workspace",
  look: (checkout) => ({ findings: [...wrongOverlay(checkout), ...upgradingCalls(checkout)] }),
};

function wrongOverlay(checkout: Checkout): LayerFinding[] {
  const text = checkout.text(FILE);
  const mend = `add under repos: workspace with path ${FOLDER}`;
  if (text === undefined) return [{ file: FILE, line: 1, what: "it is not there", mend }];
  const yaml = new YamlFile(text);
  if (yaml.mistake !== undefined) {
    const { line, what } = yaml.mistake;
    return [{ file: FILE, line, what: `it is no YAML: ${what}`, mend: "mend the YAML" }];
  }
  const repos = asTree(asTree(yaml.value)?.["repos"]) ?? {};
  const adds = Object.values(repos).some((repo) => asTree(repo)?.["path"] === FOLDER);
  const line = yaml.lineOf(["repos", "workspace", "path"]);
  return adds ? [] : [{ file: FILE, line, what: `no repository has the path ${FOLDER}`, mend }];
}

function upgradingCalls(checkout: Checkout): LayerFinding[] {
  const recipes = checkout.names("").filter((name) => name.startsWith("recipes-"));
  const files = ["classes", "dynamic-layers", ...recipes].flatMap((folder) =>
    checkout.under(folder, ".bb", ".bbclass", ".inc", ".bbappend"),
  );
  return files.flatMap((file) => {
    const text = checkout.text(file) ?? "";
    if (!/\bpvr\b/.test(text) || GLOBAL.test(text)) return [];
    return functionsOf(text).flatMap(({ name, body }): LayerFinding[] => {
      const call = body.find((one) => !/^\s*#/.test(one.text) && CALL.test(one.text));
      if (call === undefined) return [];
      const isSet = body.some(({ text: one, line }) => line <= call.line && sets(one));
      if (isSet || setsBefore(checkout, text, name)) return [];
      const what = `${name} calls pvr, which may replace itself: ${call.text.trim().slice(0, 100)}`;
      return [{ file, line: call.line, what, mend: `export ${SWITCH}=1 before it` }];
    });
  });
}

/** An `:append` is a part of the function, which an inherited class may begin with the switch. */
function setsBefore(checkout: Checkout, text: string, name: string): boolean {
  const [base, ...overrides] = name.split(":");
  if (!overrides.includes("append")) return false;
  const classes = [...text.matchAll(/^inherit\s+(.*)$/gm)].flatMap(([, names = ""]) =>
    names.split(/\s+/).filter((one) => /^[\w-]+$/.test(one)),
  );
  return classes
    .flatMap((one) => functionsOf(checkout.text(`classes/${one}.bbclass`) ?? ""))
    .some((one) => one.name === base && one.body.some((line) => sets(line.text)));
}

function sets(line: string): boolean {
  return !/^\s*#/.test(line) && new RegExp(`\\b${SWITCH}=["']?(?:1|true)\\b`).test(line);
}
