import { globSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import tar from "tar-stream";
import type { Pack } from "tar-stream";
import { PvhError } from "../errors.ts";
import { messageOfThrown } from "../thrown.ts";
import type { PvTest } from "./pv-test.ts";

/** Folder of the tests in the appengine, as the format has it. */
export const WORK = "/work";
const CONFIG = "etc/pantavisor-appengine.config";
const TRUST = "etc/pantavisor/pvs/trust";
/** Bytes of a test's directory and of `common` together. */
const MOST = 256 << 20;
const MOST_FILES = 5_000;

/** A program that the appengine gets besides. */
export interface ProgramFile {
  /** Path in the appengine, without the first slash. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** @throws PvhError PVH_USAGE for a file that is none, or too large for a program */
export function programFile(path: string, file: string): ProgramFile {
  const facts = statSync(file, { throwIfNoEntry: false });
  if (facts?.isFile() !== true || facts.size > MOST) {
    throw new PvhError("PVH_USAGE", `${file} is no file of at most ${MOST >> 20} MiB`);
  }
  return { path, bytes: readFileSync(file) };
}

/**
 * Files of a test as a tar of the appengine's root: its directory and `../../common` below /work,
 * the configuration, the trust folder filled from its archives, and programs.
 *
 * @throws PvhError PVH_BAD_TEST
 */
export async function packTestFiles(
  test: PvTest,
  programs: readonly ProgramFile[] = [],
): Promise<Readable> {
  const pack = tar.pack();
  const [scope = ""] = test.id.split("/");
  const sum = { bytes: 0, files: 0 };
  addFolder(pack, test.folder, `work/${test.id}`, sum);
  addFolder(pack, resolve(test.folder, "../../common"), `work/${scope}/common`, sum);
  if (test.configFile !== undefined) {
    pack.entry({ name: CONFIG, mode: 0o644 }, readFileSync(test.configFile));
  }
  if (test.trust !== undefined) {
    for (const archive of globSync(resolve(test.folder, test.trust)).sort()) {
      await unpackInto(pack, archive);
    }
  }
  for (const { path, bytes } of programs) {
    pack.entry({ name: path, mode: 0o755 }, Buffer.from(bytes));
  }
  pack.finalize();
  return Readable.from(pack);
}

function addFolder(
  pack: Pack,
  from: string,
  to: string,
  sum: { bytes: number; files: number },
): void {
  const facts = lstatSync(from, { throwIfNoEntry: false });
  if (facts?.isDirectory() !== true) return;
  for (const name of readdirSync(from)) {
    const [path, target] = [join(from, name), `${to}/${name}`];
    const { size, mode } = lstatSync(path);
    const entry = lstatSync(path);
    if (entry.isDirectory()) addFolder(pack, path, target, sum);
    // Links and pipes of a checkout stay on this machine.
    if (!entry.isFile()) continue;
    sum.bytes += size;
    sum.files += 1;
    if (sum.bytes > MOST || sum.files > MOST_FILES) {
      throw new PvhError(
        "PVH_BAD_TEST",
        `${from}: more than ${MOST >> 20} MiB, or ${MOST_FILES} files`,
      );
    }
    pack.entry({ name: target, mode: mode & 0o777 }, readFileSync(path));
  }
}

/** `tar --strip-components=1` into the trust folder. */
async function unpackInto(pack: Pack, archive: string): Promise<void> {
  const extract = tar.extract();
  extract.on("entry", (header, body, next) => {
    const chunks: Buffer[] = [];
    let size = 0;
    body.on("data", (data) => {
      const chunk = data as Buffer;
      size += chunk.length;
      if (size <= LARGEST_KEY) chunks.push(chunk);
    });
    body.on("error", next);
    body.on("end", () => {
      const name = header.name.split("/").slice(1).join("/");
      const isPlain = header.type === "file" && /^[\w.+-]+(?:\/[\w.+-]+)*$/.test(name);
      if (isPlain && !name.split("/").includes("..") && size <= LARGEST_KEY) {
        pack.entry({ name: `${TRUST}/${name}`, mode: 0o644 }, Buffer.concat(chunks));
      }
      next();
    });
  });
  try {
    if (statSync(archive).size > LARGEST_KEY) throw new Error("it is too large for keys");
    await pipeline(Readable.from([readFileSync(archive)]), createGunzip(), extract);
  } catch (cause) {
    throw new PvhError("PVH_BAD_TEST", `${archive}: ${messageOfThrown(cause)}`, { cause });
  }
}

const LARGEST_KEY = 4 << 20;
