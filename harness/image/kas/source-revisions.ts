import { askProgram } from "../../engine/ask-program.ts";
import type { Checkout } from "../../layer/checkout.ts";
import { asTree } from "../../layer/kas-config.ts";
import { YamlFile } from "../../layer/yaml-file.ts";
import type { KasPlan } from "./kas-plan.ts";

/** Revision of a source that a build used. */
export interface SourceRevision {
  readonly name: string;
  /** Commit; undefined where git does not tell. */
  readonly commit: string | undefined;
  /** It had changes that are in no commit. */
  readonly isDirty: boolean;
}

const WORKSPACE = "build/workspace/sources";

/** Revisions of the layer, of the repositories that the configuration pins, and of the workspace. */
export async function sourceRevisions(
  checkout: Checkout,
  plan: KasPlan,
): Promise<SourceRevision[]> {
  const { root } = checkout;
  const pinned = plan.configs.flatMap((file) => {
    const repos = asTree(asTree(new YamlFile(checkout.text(file) ?? "").value)?.["repos"]) ?? {};
    return Object.entries(repos).flatMap(([name, repo]): SourceRevision[] => {
      const commit = asTree(repo)?.["commit"];
      return typeof commit === "string" ? [{ name, commit, isDirty: false }] : [];
    });
  });
  const sources = plan.configs.length > 1 ? checkout.names(WORKSPACE) : [];
  return [
    await revisionOf("meta-pantavisor", root),
    ...pinned,
    ...(await Promise.all(
      sources.map((name) => revisionOf(`workspace/${name}`, `${root}/${WORKSPACE}/${name}`)),
    )),
  ];
}

async function revisionOf(name: string, folder: string): Promise<SourceRevision> {
  const git = (...words: readonly string[]) =>
    askProgram("git", ["-c", `safe.directory=${folder}`, "-C", folder, ...words], 20_000);
  const commit = (await git("rev-parse", "--verify", "HEAD"))?.trim();
  const changes = await git("status", "--porcelain", "--untracked-files=no");
  return { name, commit, isDirty: (changes ?? "").trim() !== "" };
}
