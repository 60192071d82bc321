/**
 * `npm run docs`: dist-docs/, the pages of docs/ and the interface of the library, as HTML that needs no
 * server. A link that leads nowhere fails the build.
 */
import { join, relative } from "node:path";
import { Application, Converter } from "typedoc";
import { ROOT } from "../root.ts";
import { deadLinks } from "./dead-links.ts";
import { INDEX, sectionNames, siteMap, titleOf } from "./site-map.ts";

const pages = siteMap(ROOT);
const sections = new Map(pages.map(({ path, section }) => [path, section]));
const API = "API";

const app = await Application.bootstrap({
  name: "pvh",
  entryPoints: [join(ROOT, "harness/library/index.ts")],
  tsconfig: join(ROOT, "tsconfig.json"),
  // npm run check compiles it all.
  skipErrorChecking: true,
  excludeExternals: true,
  excludePrivate: true,
  intentionallyNotExported: ["ERROR_CODES", "EngineKind", "Host", "TlsFiles"],
  readme: join(ROOT, INDEX),
  projectDocuments: pages.map(({ path }) => join(ROOT, path)),
  out: join(ROOT, "dist-docs"),
  githubPages: false,
  disableSources: true,
  defaultCategory: API,
  categorizeByGroup: false,
  categoryOrder: [...sectionNames(pages), API],
  navigation: { includeCategories: true, includeGroups: false },
  sort: ["documents-first"],
  highlightLanguages: [
    "bash",
    "c",
    "css",
    "html",
    "javascript",
    "json",
    "python",
    "sh",
    "text",
    "typescript",
    "yaml",
  ],
  treatWarningsAsErrors: true,
  // A file's name that ends in .md is no address in Moldova.
  markdownItOptions: { html: true, linkify: false },
});
app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, page) => {
  const path = relative(ROOT, page.project.files.getReflectionPath(page) ?? "");
  const [first] = page.content;
  page.name = titleOf(first?.text ?? "") ?? path;
  page.frontmatter["category"] = sections.get(path) ?? API;
});
const project = await app.convert();
if (project === undefined) throw new Error("nothing was converted");
app.validate(project);
await app.generateOutputs(project);
const dead = deadLinks(join(ROOT, "dist-docs"));
for (const { page, link } of dead) app.logger.error(`${page}: ${link} leads nowhere`);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;
