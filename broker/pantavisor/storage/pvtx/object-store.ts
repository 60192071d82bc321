import { createHash, randomUUID } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { tryLock } from "../../../shared/linux/flock.ts";
import { isNoRoom } from "../../../shared/no-room.ts";
import { isBeingWritten } from "./writer-lock.ts";

/** Content-addressed files: each is named by the sha256 of its content. */
export interface ObjectStore {
  readonly folder: string;
  has(sha256: string): boolean;
  /**
   * Store a stream under its name; what is already there is drained, not written again. A power
   * cut may take the name back until a revision that needs it is deployed, never the content.
   * @throws ObjectRefused when the content has another hash, or there is no room
   */
  put(sha256: string, size: number, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** @throws Error for what is not 64 hexadecimal digits, and so could be any path */
  pathOf(sha256: string): string;
}

export class ObjectRefused extends Error {
  override readonly name = "ObjectRefused";
  readonly why: "bad checksum" | "no room";

  constructor(why: "bad checksum" | "no room", message: string) {
    super(message);
    this.why = why;
  }
}

const INCOMING = ".incoming-";
const synced = promisify(fsync);

/** Remove what writers that were killed have left; a living one holds a lock on its file. */
export function removeIncoming(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (name.startsWith(INCOMING) && !isBeingWritten(path)) rmSync(path);
  }
}

/** @param verify `false` stores content under any name, for a quirk */
export function objectStore(folder: string, verify = true): ObjectStore {
  mkdirSync(folder, { recursive: true });
  const pathOf = (sha256: string) => {
    if (!isObjectName(sha256)) {
      throw new Error(`${JSON.stringify(sha256)} is not the sha256 of an object`);
    }
    return join(folder, sha256);
  };
  return {
    folder,
    pathOf,
    has: (sha256) => isObjectName(sha256) && existsSync(pathOf(sha256)),
    async put(sha256, size, content) {
      if (existsSync(pathOf(sha256))) return drain(content);
      checkRoom(folder, size);
      const temporary = join(folder, `${INCOMING}${randomUUID()}`);
      const fd = openSync(temporary, "wx", 0o644);
      try {
        tryLock(fd);
        const actual = await writeHashed(fd, content);
        if (verify && actual !== sha256) {
          throw new ObjectRefused("bad checksum", `object ${sha256} has the content of ${actual}`);
        }
        renameSync(temporary, pathOf(sha256));
      } catch (error) {
        rmSync(temporary, { force: true });
        throw isNoRoom(error)
          ? new ObjectRefused("no room", `object ${sha256} does not fit`)
          : error;
      } finally {
        closeSync(fd);
      }
    },
  };
}

/** @throws Error naming the first key whose object is missing, or an object that has no sha256 */
export function checkObjects(state: Readonly<Record<string, unknown>>, store: ObjectStore): void {
  for (const [key, value] of Object.entries(state)) {
    if (key === "#spec" || typeof value !== "string") continue;
    if (!existsSync(store.pathOf(value))) throw new Error(`${key}: its object ${value} is missing`);
  }
}

function isObjectName(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

async function drain(content: AsyncIterable<Uint8Array>): Promise<void> {
  const chunks = content[Symbol.asyncIterator]();
  while ((await chunks.next()).done !== true);
}

async function writeHashed(fd: number, content: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of content) {
    hash.update(chunk);
    for (let done = 0; done < chunk.length;) done += writeSync(fd, chunk, done);
  }
  // Not fsyncSync: pv-ctrl answers others while a large object goes to the disk.
  await synced(fd);
  return hash.digest("hex");
}

/** A size in a header is a claim; refuse it before writing gigabytes. */
function checkRoom(folder: string, size: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const room = bavail * bsize;
  if (size > room) {
    const message = `an object of ${size} bytes does not fit: ${room} bytes free`;
    throw new ObjectRefused("no room", message);
  }
}
