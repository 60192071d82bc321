import { relative, resolve } from "node:path";
import type { JunitDialect } from "../../reports/junit.ts";
import { filesOf } from "./evidence-files.ts";
import type { RunDirectory } from "./run-directory.ts";

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
