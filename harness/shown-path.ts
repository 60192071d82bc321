import { relative } from "node:path";
import { projectFacts } from "./project-facts.ts";
import { ROOT } from "./root.ts";

/** A path as people read it: relative to the user's project, to pvh or to the working directory. */
export function shownPath(path: string): string {
  for (const root of ownRoots()) {
    if (path.startsWith(`${root}/`)) return path.slice(root.length + 1);
  }
  const near = relative(process.cwd(), path);
  return near.startsWith("../") ? path : near;
}

/** The user's project and pvh, the inner one first: one may lie in the other. */
export function ownRoots(): readonly string[] {
  const root = projectFacts()?.root;
  return root === undefined ? [ROOT] : [ROOT, root].sort((a, b) => b.length - a.length);
}
