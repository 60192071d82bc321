import { join } from "node:path";
import { PvhError } from "../errors.ts";
import { koffiLibrary } from "./koffi-library.ts";
import type { LayerFile } from "./layer.ts";
import { filesBelow } from "./layer.ts";
import { ProgramBundles, WRAPPER } from "./program-bundles.ts";
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
  overlay?: string,
): Promise<LayerFile[]> {
  await using bundles = programBundles();
  return await programFilesWith(bundles, mains, overlay);
}

/** The programs' bundles at their place in the image. */
export function programBundles(): ProgramBundles {
  return new ProgramBundles(HOME);
}

/**
 * As programFiles(), where the bundles are made again and again.
 * @param changed as ProgramBundles.make() takes it
 */
export async function programFilesWith(
  bundles: ProgramBundles,
  mains: ReadonlyMap<string, string>,
  overlay = join(PROJECT, "containers/appengine/overlay"),
  changed?: readonly string[],
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
    ...(await bundles.make(mains, changed)),
    ...(await koffiLibrary(HOME)),
    ...checked(await filesBelow(overlay)),
  ];
}

/** The title is what ps, pgrep and the log of a supervisor show. */
function command(name: string): string {
  return `#!/${HOME}/node\nprocess.title = "${name}";\nrequire("/${HOME}/start.cjs")("${name}");\n`;
}

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
