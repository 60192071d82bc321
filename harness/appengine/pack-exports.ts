import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import { PvhError } from "../errors.ts";
import { messageOfThrown } from "../thrown.ts";
import { EXPORTS_FOLDER } from "./layout.ts";

/**
 * The exports as a tar of the appengine's root: they travel over the engine's API, not by bind mount, so that
 * an engine that sees another file system (a mounted socket in CI) gets them too.
 *
 * @throws PvhError PVH_USAGE naming a file that cannot be read, or two of one name
 */
export async function packExports(paths: readonly string[]): Promise<Readable> {
  const files = await Promise.all(paths.map(sizeOf));
  const names = files.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new PvhError("PVH_USAGE", `two exports are named ${twice}`);
  const tar = pack();
  const folder = EXPORTS_FOLDER.slice(1);
  tar.entry({ name: `${folder}/`, type: "directory", mode: 0o755 });
  const writing = (async () => {
    for (const { path, name, size } of files) {
      await pipeline(
        createReadStream(path),
        tar.entry({ name: `${folder}/${name}`, size, mode: 0o644 }),
      );
    }
    tar.finalize();
  })();
  writing.catch((error: unknown) => tar.destroy(error as Error));
  return Readable.from(tar);
}

async function sizeOf(path: string): Promise<{ path: string; name: string; size: number }> {
  const facts = await stat(path).catch((cause: unknown) => {
    const why = messageOfThrown(cause);
    throw new PvhError("PVH_USAGE", `export ${path} cannot be read: ${why}`, { cause });
  });
  if (!facts.isFile()) throw new PvhError("PVH_USAGE", `export ${path} is not a file`);
  return { path, name: basename(path), size: facts.size };
}
