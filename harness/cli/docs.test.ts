import { execFile } from "node:child_process";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ROOT } from "../root.ts";
import { COMMANDS } from "./commands.ts";
import { cliMarkdown } from "./reference.ts";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const pages = globSync(["*.md", "{docs,examples,containers}/**/*.md"], { cwd: ROOT }).sort();

/** A page without its blocks of code. */
function prose(path: string): string {
  return read(path).replaceAll(/^ *```[\s\S]*?^ *```/gm, "");
}

/** Anchors of a page's headings, as GitHub makes them. */
function anchors(path: string): string[] {
  return [...prose(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

test("docs/cli.md is what the table of commands says", () => {
  expect(read("docs/cli.md")).toBe(cliMarkdown(COMMANDS));
});

test.each(pages)("every link of %s leads to a file, and to a heading of it", (page) => {
  const links = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  const broken = links
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : join(dirname(page), path);
      if (!existsSync(join(ROOT, file))) return true;
      return anchor !== undefined && !anchors(file).includes(anchor);
    });
  expect(broken).toEqual([]);
});

test("every page of docs is linked from docs/README.md, or from one that is", () => {
  const seen = new Set<string>();
  const follow = (page: string): void => {
    if (seen.has(page) || !existsSync(join(ROOT, page)) || !page.endsWith(".md")) return;
    seen.add(page);
    for (const [, target = ""] of prose(page).matchAll(/\]\(([^)#\s]+)/g)) {
      follow(join(dirname(page), target));
    }
  };
  follow("docs/README.md");
  const unseen = pages.filter((page) => page.startsWith("docs/") && !seen.has(page));
  expect(unseen.filter((page) => !page.startsWith("docs/adr/"))).toEqual([]);
});

test("programs in the pages for users hold to the types of the package", async () => {
  // Below the clone, whose own package.json says what `pvh` is.
  mkdirSync(join(ROOT, ".pvh"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".pvh/docs-"));
  try {
    const programs = ["docs/start.md", ...globSync("docs/guides/*.md", { cwd: ROOT })].flatMap(
      (page) => [...read(page).matchAll(/^```ts.*\n([\s\S]*?)^```/gm)].map(([, text = ""]) => text),
    );
    expect(programs.length).toBeGreaterThan(2);
    for (const [at, text] of programs.entries()) writeFileSync(join(folder, `${at}.ts`), text);
    const options = { extends: "../../tsconfig.json", include: ["."] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(options));
    const argv = [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", folder];
    const said = await promisify(execFile)(process.execPath, argv, { cwd: ROOT }).then(
      () => "",
      (error: unknown) => (error as { stdout: string }).stdout,
    );
    expect(said).toBe("");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
