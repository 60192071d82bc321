import { existsSync, readFileSync } from "node:fs";
import { isNoRoom } from "../../shared/no-room.ts";
import { writeDurably } from "./durable-file.ts";

/**
 * boot/uboot.txt: `key=value` pairs ended by NUL (docs/pantavisor.md §2.2). `pv_rev` is the
 * revision to come back to, `pv_try` one that shall be tried at the next boot.
 */
export interface BootEnvironment {
  readonly revision: string;
  readonly trying: string | undefined;
}

/** A file that is missing or says nothing stands for the factory revision. */
export function readBootEnvironment(file: string): BootEnvironment {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const valueOf = (key: string): string | undefined => {
    const pair = text.split("\0").find((one) => one.startsWith(`${key}=`));
    const value = pair?.slice(key.length + 1);
    return value === "" ? undefined : value;
  };
  return { revision: valueOf("pv_rev") ?? "0", trying: valueOf("pv_try") };
}

export function ensureBootFile(file: string, revision = "0"): void {
  if (!existsSync(file)) write(file, { revision, trying: undefined });
}

/** Try a revision at the next boot, once. */
export function tryAtNextBoot(file: string, revision: string): void {
  write(file, { ...readBootEnvironment(file), trying: revision });
}

/** The revision is good: from now on every boot runs it. */
export function commitRevision(file: string, revision: string): void {
  write(file, { revision, trying: undefined });
}

/**
 * Revision to boot. A try is used up here, before anything of it runs: however it ends, the boot
 * after it uses the committed revision again. On a full disk the try cannot be used up, so it
 * waits, and the committed revision boots.
 */
export function nextBoot(file: string): { readonly revision: string; readonly trial: boolean } {
  const { revision, trying } = readBootEnvironment(file);
  if (trying === undefined) return { revision, trial: false };
  try {
    write(file, { revision, trying: undefined });
  } catch (error) {
    if (!isNoRoom(error)) throw error;
    return { revision, trial: false };
  }
  return { revision: trying, trial: true };
}

function write(file: string, { revision, trying = "" }: BootEnvironment): void {
  writeDurably(file, `pv_rev=${revision}\0${trying === "" ? "" : `pv_try=${trying}\0`}`);
}
