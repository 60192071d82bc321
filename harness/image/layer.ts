import { createReadStream, createWriteStream } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join, posix } from "node:path";
import { pipeline } from "node:stream/promises";
import tar from "tar-stream";
import type { Header } from "tar-stream";

type EntryHeader = Partial<Header> & Pick<Header, "name">;

/** A file of an image layer: its content in memory, or a file of this machine. */
export interface LayerFile {
  /** Path in the image, without the leading slash. */
  readonly path: string;
  readonly executable?: boolean;
  readonly content:
    Buffer | { readonly file: string; readonly size: number } | { readonly link: string };
}

/**
 * Folders that must not get 0755 from a layer that puts something into them: the uppermost
 * layer's mode is what the image shows.
 */
const FOLDER_MODES: Readonly<Record<string, number>> = {
  root: 0o700,
  tmp: 0o1777,
  "var/tmp": 0o1777,
};

/**
 * Write files as an image layer. The same files give the same bytes: sorted, explicit parents,
 * owner root, time zero.
 */
export async function writeLayer(path: string, files: readonly LayerFile[]): Promise<void> {
  const pack = tar.pack();
  const written = pipeline(pack, createWriteStream(path));
  try {
    await Promise.all([written, feed(pack, files)]);
  } catch (error) {
    pack.destroy();
    throw error;
  }
}

async function feed(pack: tar.Pack, files: readonly LayerFile[]): Promise<void> {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  for (const folder of parents(sorted)) {
    await entry(pack, {
      name: `${folder}/`,
      type: "directory",
      mode: FOLDER_MODES[folder] ?? 0o755,
    });
  }
  for (const { path, content, executable } of sorted) {
    const mode = executable === true ? 0o755 : 0o644;
    if (Buffer.isBuffer(content)) await entry(pack, { name: path, mode }, content);
    else if ("link" in content) {
      await entry(pack, { name: path, type: "symlink", linkname: content.link, mode: 0o777 });
    } else {
      await fileEntry(pack, { name: path, mode, size: content.size }, content.file);
    }
  }
  pack.finalize();
}

function parents(files: readonly LayerFile[]): string[] {
  const folders = new Set<string>();
  for (const { path } of files) {
    for (let up = posix.dirname(path); up !== "."; up = posix.dirname(up)) folders.add(up);
  }
  return [...folders].sort();
}

/** Give one entry to tar-stream and wait until it is taken. */
export function entry(
  pack: tar.Pack,
  headers: EntryHeader,
  content: Buffer = Buffer.alloc(0),
): Promise<void> {
  return new Promise((resolve, reject) => {
    pack.entry(header({ ...headers, size: content.length }), content, (error) => {
      if (error == null) resolve();
      else reject(error);
    });
  });
}

/** Stream a file of this machine into one entry; its header has the size. */
export async function fileEntry(
  pack: tar.Pack,
  headers: EntryHeader & { readonly size: number },
  file: string,
): Promise<void> {
  const sink = pack.entry(header(headers));
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), sink);
}

/** Headers without anything that depends on the machine or the moment. */
function header(headers: EntryHeader): EntryHeader {
  return { ...headers, mtime: new Date(0), uid: 0, gid: 0, uname: "root", gname: "root" };
}

/** All files below a folder of this machine, as they are to appear below `/` of the image. */
export async function filesBelow(folder: string, prefix = ""): Promise<LayerFile[]> {
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(
    names.map(async (name): Promise<LayerFile[]> => {
      const source = join(folder, name);
      const path = posix.join(prefix, name);
      const facts = await lstat(source);
      if (facts.isDirectory()) return filesBelow(source, path);
      if (facts.isSymbolicLink()) return [{ path, content: { link: await readlink(source) } }];
      const executable = (facts.mode & 0o100) !== 0;
      return [{ path, executable, content: await readFile(source) }];
    }),
  );
  return found.flat();
}
