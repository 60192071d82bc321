import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";
import { build } from "esbuild";
import { PvhError } from "../errors.ts";
import type { LayerFile } from "./layer.ts";
import { filesBelow } from "./layer.ts";
import { packageFolder } from "../package-folder.ts";
import { PROJECT } from "./sources.ts";

/** Where the appengine's own files are in the image. */
const HOME = "usr/lib/pvh";

/**
 * The reference Pantavisor's files: a bundle and a command per program, koffi's library, the overlay.
 *
 * @param mains programs by name, as of readMains()
 * @throws PvhError PVH_BUILD when a program does not bundle or the overlay hides a link
 */
export async function programFiles(
  mains: ReadonlyMap<string, string>,
  overlay = join(PROJECT, "containers/appengine/overlay"),
): Promise<LayerFile[]> {
  // A thread's bundle is found by the program's, beside it.
  const programs = [...mains.keys()].filter((name) => !name.endsWith(".thread"));
  const commands = programs.map((name) => ({
    path: `usr/bin/${name}`,
    executable: true,
    content: Buffer.from(command(name)),
  }));
  return [
    ...commands,
    { path: `${HOME}/start.cjs`, content: Buffer.from(START) },
    ...(await bundles(mains)),
    ...(await koffi()),
    ...checked(await filesBelow(overlay)),
  ];
}

/** The title is what ps, pgrep and the log of a supervisor show. */
function command(name: string): string {
  return `#!/${HOME}/node\nprocess.title = "${name}";\nrequire("/${HOME}/start.cjs")("${name}");\n`;
}

async function bundles(mains: ReadonlyMap<string, string>): Promise<LayerFile[]> {
  const result = await build({
    entryPoints: Object.fromEntries(mains),
    outdir: "/",
    outExtension: { ".js": ".cjs" },
    bundle: true,
    write: false,
    platform: "node",
    // Node reads all names of a built-in module for an ES import, also those that cost much.
    format: "cjs",
    target: "node24",
    logLevel: "silent",
    // Its module for ES imports finds no package of a library in a bundle.
    alias: { koffi: join(packageFolder("koffi"), "index.cjs") },
    define: { "import.meta.url": "$url" },
    banner: { js: 'const $url = require("node:url").pathToFileURL(__filename).href;' },
  }).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new PvhError("PVH_BUILD", `the reference Pantavisor cannot be bundled: ${why}`, {
      hint: "npm run ok",
      cause: error,
    });
  });
  return result.outputFiles.flatMap(({ path, contents }) => {
    const bundle = { path: `${HOME}${path}`, content: Buffer.from(contents) };
    if (path.endsWith(".thread.cjs")) return [bundle];
    return [bundle, { path: bundle.path.replace(/cjs$/, "cache"), content: compiled(bundle) }];
  });
}

/** V8's code of a bundle: this Node is the image's. Node compiles anew what it does not accept. */
function compiled({ path, content }: { readonly path: string; readonly content: Buffer }): Buffer {
  const text = `${WRAPPER[0]}${content.toString("latin1")}${WRAPPER[1]}`;
  // By default, V8 leaves most functions to their first call.
  setFlagsFromString("--no-lazy");
  try {
    const script = new Script(text, { filename: `/${path}` });
    setFlagsFromString("--lazy");
    return script.createCachedData();
  } finally {
    setFlagsFromString("--lazy");
  }
}

/** The function that Node wraps around the text of a CommonJS module. */
const WRAPPER = ["(function (exports, require, module, __filename, __dirname) {", "\n})"] as const;

/** Runs a bundle with V8's code of it, which a program otherwise spends a third of its start on. */
const START = `"use strict";
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { Script } = require("node:vm");

module.exports = function start(name) {
  const filename = \`\${__dirname}/\${name}.cjs\`;
  const text = ${JSON.stringify(WRAPPER[0])} + readFileSync(filename, "latin1") + ${JSON.stringify(WRAPPER[1])};
  const script = new Script(text, {
    filename,
    cachedData: readFileSync(\`\${__dirname}/\${name}.cache\`),
  });
  const module = { exports: {} };
  const run = script.runInThisContext();
  run(module.exports, createRequire(filename), module, filename, __dirname);
};
`;

/** Package of koffi's library for this machine, which its loader in a bundle looks for beside the bundle. */
async function koffi(): Promise<LayerFile[]> {
  const native = packageFolder(`@koromix/koffi-linux-${process.arch}`, packageFolder("koffi"));
  const files = await filesBelow(native, HOME);
  return files.filter(({ path }) => /\/linux_[^/]+\/koffi\.node$/.test(path));
}

/** Debian's /bin, /lib, /sbin and /var/run are links: a folder in a layer would replace them. */
function checked(files: LayerFile[]): LayerFile[] {
  const hidden = files.find(({ path }) => /^(bin|s?bin|lib\d*|var\/(run|lock))\//.test(path));
  if (hidden === undefined) return files;
  throw new PvhError(
    "PVH_BUILD",
    `overlay file ${hidden.path} would hide a link of the root filesystem`,
    {
      hint: "put it below usr/ or run/",
    },
  );
}
