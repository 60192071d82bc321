import { createHash } from "node:crypto";
import { createReadStream, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseUntrusted } from "../../shared/formats/json-depth.ts";
import type { StateDocument } from "./pvtx/state-merge.ts";

/** Objects that the boot loader has to verify: pantavisor, the kernel, the image's description. */
const BOOTED = ["bsp/pantavisor", "bsp/kernel.img", "bsp/fit-image.its"];
/** Documents that say nothing about what runs, so that nothing reads them. */
const UNREAD = /^_sigs\/|\/(?:src|build)\.json$|^#spec$/;

export interface VerifyOptions {
  /** Folder of the revision. */
  readonly revision: string;
  /** Folder of all objects, for the log. */
  readonly objects: string;
  /** Files that were found good: they are read again only when they have changed. */
  readonly good: Set<string>;
  /** Objects that somebody else verifies. */
  readonly skipped: ReadonlySet<string>;
  readonly debug: (line: string) => void;
  /** Digest of a file, in hex. */
  readonly digest?: (path: string) => string | Promise<string>;
}

/** Bytes that are hashed between two looks at what else there is to do: a millisecond or three. */
const PIECE = 1 << 20;

/**
 * Compare the files of a revision with its state: each object with its sha256, each document with
 * its value. The handlers of dm-verity are off in an appengine, so its volumes are read as well.
 * Objects are read in pieces, so that pv-ctrl answers and containers are cared for meanwhile.
 * @returns the first file that is not what the state says, and why
 */
export async function verifyObjects(
  state: StateDocument,
  options: VerifyOptions,
): Promise<string | undefined> {
  const { revision, objects, good, skipped, debug, digest = sha256Of } = options;
  for (const [key, value] of Object.entries(state)) {
    const path = join(revision, key);
    if (typeof value === "string") {
      if (key === "#spec") continue;
      if (BOOTED.includes(key) || skipped.has(key)) {
        debug(`skipping validation of object named ${key} and id=${value}`);
        continue;
      }
      debug(`validating checksum for ${join(objects, value)} and ${path}`);
      const wrong = await wrongObject(path, value, good, digest);
      if (wrong !== undefined) return `${key} ${wrong}`;
    } else if (!UNREAD.test(key)) {
      debug(`validating value for json ${path}`);
      if (!hasValue(path, value)) return `${key} has another value`;
    }
  }
  return undefined;
}

/** @param good by inode, since containers and revisions share their objects */
async function wrongObject(
  path: string,
  sha256: string,
  good: Set<string>,
  digest: NonNullable<VerifyOptions["digest"]>,
): Promise<string | undefined> {
  try {
    const known = `${sha256} ${identityOf(path)}`;
    if (good.has(known)) return undefined;
    if ((await digest(path)) !== sha256) return "has another checksum";
    if (known !== `${sha256} ${identityOf(path)}`) return "was changed while it was read";
    good.add(known);
    return undefined;
  } catch (error) {
    return `cannot be read: ${(error as NodeJS.ErrnoException).code ?? ""}`;
  }
}

function identityOf(path: string): string {
  const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
  return [dev, ino, size, mtimeNs].join(" ");
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path, { highWaterMark: PIECE })) {
    hash.update(piece as Buffer);
  }
  return hash.digest("hex");
}

function hasValue(path: string, value: unknown): boolean {
  try {
    const found = parseUntrusted(readFileSync(path, "utf8"));
    return JSON.stringify(found) === JSON.stringify(value);
  } catch {
    return false;
  }
}
