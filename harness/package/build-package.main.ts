/**
 * `npm run build`, and `npm pack` before it packs: dist/, all that an installed pvh runs from. Node strips
 * no types below node_modules, so the sources are compiled; files that are no modules go along as they are.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { ROOT } from "../root.ts";
import { DATA } from "./package-data.ts";

const dist = join(ROOT, "dist");
rmSync(dist, { recursive: true, force: true });
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], {
  cwd: ROOT,
  // npm pack prints the tarball's name on stdout, alone.
  stdio: ["ignore", process.stderr, "inherit"],
});
// tsc leaves an import() as it is in a function that it transforms for `await using`.
for (const path of globSync("**/*.js", { cwd: dist })) {
  const text = readFileSync(join(dist, path), "utf8");
  const named = text.replaceAll(/\bimport\("(\.[^"]+)\.ts"\)/g, 'import("$1.js")');
  if (named !== text) writeFileSync(join(dist, path), named);
}
for (const path of globSync(DATA, { cwd: ROOT, withFileTypes: false })) {
  const source = join(ROOT, path);
  if (statSync(source).isFile()) copy(source, join(dist, path));
}
writeFileSync(join(dist, "package.json"), `${JSON.stringify(manifest(), undefined, 2)}\n`);

function copy(source: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
  chmodSync(target, statSync(source).mode);
}

/** Manifest of dist, so that `import "pvh"` in it leads to itself. */
function manifest(): object {
  const { name, version, type } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    readonly [key: string]: unknown;
  };
  const entry = (path: string): object => ({ types: `${path}.d.ts`, default: `${path}.js` });
  const exports = {
    ".": entry("./harness/library/index"),
    "./config": entry("./harness/project/config"),
  };
  return { name, version, type, private: true, exports };
}
