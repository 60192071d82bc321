import { readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { JunitDialect } from "../../reports/junit.ts";
import type { RunDirectory } from "./run-directory.ts";

/** Folders below a path of evidence that are looked into. */
const DEEPEST = 12;

/**
 * junit.xml's dialect for the CI that this is: GitLab finds attachments relative to its project's folder
 * and shows a case's file; Jenkins' plugin finds them by absolute paths. Both take files alone.
 */
export function junitDialect(
  { folder, shown }: Pick<RunDirectory, "folder" | "shown">,
  env: Readonly<Record<string, string | undefined>> = process.env,
): JunitDialect {
  const project = env["CI_PROJECT_DIR"];
  const isGitlab = (env["GITLAB_CI"] ?? "") !== "" && project !== undefined;
  return {
    folder: shown,
    caseFiles: isGitlab,
    attachments: (path) =>
      filesOf(resolve(folder, path)).flatMap((file) => {
        if (!isGitlab) return [file];
        const inProject = relative(project, file);
        return inProject.startsWith("..") ? [] : [inProject];
      }),
  };
}

/** The file itself, or the regular files of a folder, in any depth; no link is followed. */
function filesOf(path: string, depth = 0): string[] {
  let entries;
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch (error) {
    const isFile = error instanceof Error && "code" in error && error.code === "ENOTDIR";
    return isFile ? [path] : [];
  }
  return entries
    .toSorted((a, b) => Number(b.isFile()) - Number(a.isFile()))
    .flatMap((entry) => {
      const inside = join(path, entry.name);
      if (entry.isFile()) return [inside];
      return entry.isDirectory() && depth < DEEPEST ? filesOf(inside, depth + 1) : [];
    });
}
