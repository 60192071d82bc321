import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Change } from "../catalogue/touched.ts";
import { PvhError } from "../errors.ts";
import { messageOfThrown } from "../thrown.ts";

/** Bytes of what git prints of a large change. */
const LONGEST = 256 << 20;
/** Branches that work starts from, the first that exists. */
const TRUNKS = ["origin/HEAD", "origin/main", "main", "origin/master", "master"];

/**
 * Files of the clone that differ from the commit from which the work on them began: what is not
 * committed, what is not known to git yet, and what was committed since then.
 *
 * @param base a commit to begin at; undefined: where this branch left the trunk
 * @throws PvhError PVH_USAGE outside of a git clone, or for a base that git does not know
 */
export function changedFiles(root: string, base: string | undefined): Change[] {
  const from = base ?? startOf(root);
  const diff = git(root, [
    "diff",
    "--unified=0",
    "--no-color",
    "--no-ext-diff",
    "--relative",
    from,
    "--",
  ]);
  const untracked = git(root, ["ls-files", "--others", "--exclude-standard", "-z"]);
  return [
    ...changesOf(diff),
    ...untracked
      .split("\0")
      .filter((path) => path !== "")
      .map((path) => ({ path, added: textOf(join(root, path)).split("\n") })),
  ];
}

/** The files of a diff with their new lines; git ends a name with blanks by a tab. */
function changesOf(diff: string): Change[] {
  return diff
    .split(/^diff --git /m)
    .slice(1)
    .map((part) => {
      const [head = "", ...hunks] = part.split(/^@@ .*$/m);
      const path = /^\+\+\+ b\/(.*?)\t?$/m.exec(head)?.[1] ?? /^--- a\/(.*?)\t?$/m.exec(head)?.[1];
      const renamed = /^rename to (.*)$/m.exec(head)?.[1];
      const lines = hunks.flatMap((hunk) => hunk.split("\n"));
      const added = lines.filter((line) => line.startsWith("+")).map((line) => line.slice(1));
      return { path: path ?? renamed ?? "", added };
    })
    .filter(({ path }) => path !== "");
}

function startOf(root: string): string {
  for (const trunk of TRUNKS) {
    try {
      return git(root, ["merge-base", "HEAD", trunk]).trim();
    } catch {
      // The next one.
    }
  }
  return "HEAD";
}

/** @throws PvhError PVH_USAGE with git's own words */
function git(root: string, words: readonly string[]): string {
  try {
    return execFileSync("git", ["-c", "core.quotePath=false", ...words], {
      cwd: root,
      encoding: "utf8",
      maxBuffer: LONGEST,
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (cause) {
    const why = messageOfThrown(cause).split("\n").slice(0, 2).join(": ");
    throw new PvhError("PVH_USAGE", `git cannot tell what has changed in ${root}: ${why}`, {
      hint: "name a commit: --changed COMMIT",
      cause,
    });
  }
}

/** A file that has gone meanwhile, or was removed, has no text. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
