import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** A page of the site. */
export interface Page {
  /** Path below the clone. */
  readonly path: string;
  /** Its section in the navigation. */
  readonly section: string;
}

export const INDEX = "docs/README.md";
const DECISIONS = "Decisions";

/**
 * The pages of the site: those that docs/README.md links to, in its paragraphs `**Section**: …`, and the
 * records of decisions.
 */
export function siteMap(root: string): Page[] {
  const linked = sectionsOf(readFileSync(join(root, INDEX), "utf8"), dirname(INDEX));
  const decisions = globSync("docs/adr/*.md", { cwd: root }).sort();
  return [...linked, ...decisions.map((path) => ({ path, section: DECISIONS }))];
}

/** @param folder that the links are relative to */
export function sectionsOf(index: string, folder: string): Page[] {
  return index.split(/\n{2,}/).flatMap((paragraph) => {
    const [, section] = /^\*\*(.+?)\*\*:/.exec(paragraph) ?? [];
    if (section === undefined) return [];
    const targets = [...paragraph.matchAll(/\]\(([^)#\s]+\.md)/g)].map(([, target = ""]) => target);
    return targets.map((target) => ({ path: relative(".", join(folder, target)), section }));
  });
}

/** Names of the sections in their order. */
export function sectionNames(pages: readonly Page[]): string[] {
  return [...new Set(pages.map(({ section }) => section))];
}

/** The words of a page's first heading. */
export function titleOf(text: string): string | undefined {
  return /^# (.+)$/m.exec(text)?.[1]?.replaceAll("`", "");
}
