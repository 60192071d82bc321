import { createHash } from "node:crypto";
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type * as Esbuild from "esbuild";
import { cacheFolder } from "../engine/folders.ts";
import { makeFolder } from "../make-folder.ts";

const SOURCES = fileURLToPath(new URL("../../reports/html/client", import.meta.url));
const MAIN = "main.ts";
/** Length of a SHA-256 in hexadecimal. */
const DIGEST = 64;

/**
 * The script of report.html. Its bundle is kept from one run to the next, by the content of its sources;
 * a kept one that is cut or foreign is made anew, and with `PVH_CACHE=off` each one is.
 */
export function pageScript(): string {
  if (process.env["PVH_CACHE"] === "off") return bundle();
  const file = join(cacheFolder("page"), "script");
  const key = keyOf();
  const kept = readKept(file, key);
  if (kept !== undefined) return kept;
  const script = bundle();
  keep(file, `${key}${sha256(script)}${script}`);
  return script;
}

function bundle(): string {
  // Loaded late: most runs find the script in the cache.
  const { buildSync } = createRequire(import.meta.url)("esbuild") as typeof Esbuild;
  const { outputFiles } = buildSync({
    entryPoints: [join(SOURCES, MAIN)],
    bundle: true,
    write: false,
    minify: true,
    format: "iife",
    target: "es2022",
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}

/** Hash of the sources and of the bundler's version. */
function keyOf(): string {
  const { version } = createRequire(import.meta.url)("esbuild/package.json") as {
    readonly version: string;
  };
  const texts = readdirSync(SOURCES)
    .sort()
    .map((name) => [name, readFileSync(join(SOURCES, name), "utf8")]);
  return sha256(JSON.stringify([version, texts]));
}

function readKept(file: string, key: string): string | undefined {
  let kept: string;
  try {
    kept = readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
  const script = kept.slice(2 * DIGEST);
  return kept.startsWith(key) && kept.slice(DIGEST, 2 * DIGEST) === sha256(script)
    ? script
    : undefined;
}

/** Without room or rights, the next run bundles again. */
function keep(file: string, content: string): void {
  const draft = `${file}.${process.pid}`;
  try {
    makeFolder(cacheFolder("page"));
    try {
      writeFileSync(draft, content);
      renameSync(draft, file);
    } finally {
      rmSync(draft, { force: true });
    }
  } catch {
    // The script in hand is good.
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
