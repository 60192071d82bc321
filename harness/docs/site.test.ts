import { globSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../root.ts";
import { deadLinks } from "./dead-links.ts";
import { INDEX, sectionNames, sectionsOf, siteMap, titleOf } from "./site-map.ts";

test("the sections of the site are the paragraphs of docs/README.md", () => {
  const index =
    "# Title\n\n**Guides**: [one](guides/a.md),\n[two](../B.md#part).\n\nText [c](c.md).\n";
  expect(sectionsOf(index, "docs")).toEqual([
    { path: "docs/guides/a.md", section: "Guides" },
    { path: "B.md", section: "Guides" },
  ]);
});

test("the site begins with the start, and has each page once", () => {
  const pages = siteMap(ROOT);
  expect(sectionNames(pages)).toEqual(["Start", "Guides", "Reference", "Explanation", "Decisions"]);
  expect(pages[0]?.path).toBe("docs/start.md");
  const paths = pages.map(({ path }) => path);
  expect(paths).toEqual([...new Set(paths)]);
});

test("every page of docs is a page of the site", () => {
  const paths = new Set(siteMap(ROOT).map(({ path }) => path));
  const pages = globSync("docs/**/*.md", { cwd: ROOT });
  expect(pages.filter((path) => path !== INDEX && !paths.has(path))).toEqual([]);
});

test("a page's first heading is its title", () => {
  expect(titleOf("# The `x`\n\nText.\n")).toBe("The x");
  expect(titleOf("Text.\n")).toBeUndefined();
});

test("links to a file or a heading that is not there are dead, others are not", () => {
  const folder = mkdtempSync(join(tmpdir(), "pvh-site-"));
  mkdirSync(join(folder, "a"));
  writeFileSync(join(folder, "index.html"), '<a id="top" href="a/b.html#c-d">b</a>');
  const links = [
    "../index.html#top",
    "../index.html#end",
    "none.html",
    "https://x.example/",
    "#c-d",
  ];
  writeFileSync(
    join(folder, "a/b.html"),
    `<h2 id="c-d">c</h2>${links.map((link) => `<a href="${link}">x</a>`).join("")}`,
  );
  expect(deadLinks(folder)).toEqual([
    { page: "a/b.html", link: "../index.html#end" },
    { page: "a/b.html", link: "none.html" },
  ]);
});
