import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface DeadLink {
  /** Path of the page below the site's folder. */
  readonly page: string;
  readonly link: string;
}

/** Links of a site's pages, within the site, that lead to no file or to no heading of it. */
export function deadLinks(folder: string): DeadLink[] {
  const pages = globSync("**/*.html", { cwd: folder }).sort();
  const texts = new Map(pages.map((page) => [page, readFileSync(join(folder, page), "utf8")]));
  const ids = new Map(
    [...texts].map(([page, text]) => [
      page,
      new Set([...text.matchAll(/ id="([^"]*)"/g)].map(([, id = ""]) => id)),
    ]),
  );
  const isDead = (page: string, link: string): boolean => {
    const [path = "", anchor = ""] = link.split("#").map(decodeURIComponent);
    const target = path === "" ? page : join(dirname(page), path);
    if (!existsSync(join(folder, target))) return true;
    return anchor !== "" && ids.get(target)?.has(anchor) === false;
  };
  return [...texts].flatMap(([page, text]) =>
    [...text.matchAll(/ href="([^"]*)"/g)]
      .map(([, link = ""]) => link.replaceAll("&amp;", "&"))
      .filter((link) => !/^[a-z]+:/.test(link) && isDead(page, link))
      .map((link) => ({ page, link })),
  );
}
