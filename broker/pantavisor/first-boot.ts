import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CREDENTIALS_FILE } from "./appengine-config.ts";
import { KNOWN_SETTINGS } from "./known-settings.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";
import { ensureBootFile } from "./storage/boot-environment.ts";
import { writeDurably } from "./storage/durable-file.ts";
import type { OwnLog } from "./own-log.ts";
import { FACTORY } from "./storage/factory.ts";
import { SAFE_NAME } from "../shared/formats/names.ts";
import { progressOf, writeProgress } from "./storage/step-progress.ts";
import { BOOKKEEPING } from "./storage/steps.ts";
import { openTransaction } from "./storage/pvtx/transaction.ts";

export interface FirstBootOptions {
  readonly storage: string;
  /** pvtx.d and pvtx.extra.d: folders of exports that become the first revision. */
  readonly exports: readonly string[];
  /** Name of that revision: PV_APPENGINE_INITIAL_REV, else 0. */
  readonly initialRevision: string;
  readonly transactionFolder: string;
  readonly log: OwnLog;
  readonly quirks: Quirks;
}

/** An export in pvtx.d that cannot be deployed; the message names its file. */
export class BadExport extends Error {
  override readonly name = "BadExport";
}

const FOLDERS = [
  "boot",
  "config",
  "cache/devmeta",
  "cache/usrmeta",
  "disks",
  "logs",
  "objects",
  "trails",
];

/**
 * Prepare a storage volume; on a prepared one nothing happens (docs/pantavisor.md §2.2). The
 * exports are processed once per volume: `.pvtx-done` says that they were.
 * @throws BadExport
 */
export async function firstBoot(options: FirstBootOptions): Promise<void> {
  const { storage, log } = options;
  mkdirSync(storage, { recursive: true });
  await once(join(storage, ".created"), () => {
    log.debug("first boot: initialising storage skeleton");
    for (const folder of FOLDERS) mkdirSync(join(storage, folder), { recursive: true });
    writeDurably(join(storage, CREDENTIALS_FILE), CREDENTIALS);
  });
  await once(join(storage, ".pvtx-done"), async () => {
    log.debug("first boot: running pvtx deploy");
    await deployExports(options);
  });
  ensureBootFile(join(storage, "boot/uboot.txt"), options.initialRevision);
}

/** @throws Error for what is no name of a revision: `0`, another number, or `locals/NAME` */
export function initialRevisionOf(environment: NodeJS.ProcessEnv, quirks: Quirks): string {
  const name = environment["PV_APPENGINE_INITIAL_REV"] ?? "";
  if (name === "" || quirks.has("initial-rev-ignored")) return FACTORY;
  const local = /^locals\/(.+)$/.exec(name)?.[1];
  const isGood = local === undefined ? /^\d{1,9}$/.test(name) : SAFE_NAME.test(local);
  if (isGood && !BOOKKEEPING.test(name)) return name;
  throw new Error(`PV_APPENGINE_INITIAL_REV=${name} is no name of a revision: N or locals/NAME`);
}

/** The cloud's settings as they are before a device has a name there. */
const CREDENTIALS = KNOWN_SETTINGS.filter(({ key }) => key.startsWith("PH_"))
  .flatMap(({ key, value }) => (value === undefined ? [] : [`${key}=${value}\n`]))
  .join("");

async function once(marker: string, run: () => void | Promise<void>): Promise<void> {
  if (existsSync(marker)) return;
  await run();
  writeDurably(marker, "");
}

async function deployExports(options: FirstBootOptions): Promise<void> {
  const { storage, exports, initialRevision, transactionFolder, log, quirks } = options;
  const transaction = openTransaction(transactionFolder);
  transaction.abort();
  transaction.begin("empty", join(storage, "objects"));
  const files = quirks.has("stale-storage") ? [] : exports.flatMap(exportFiles);
  for (const file of files) {
    const name = basename(file);
    try {
      await transaction.add(file);
    } catch (error) {
      const message = `export ${name} cannot be added: ${(error as Error).message}`;
      if (!quirks.has("export-unchecked")) throw new BadExport(message, { cause: error });
      log.warn(message);
    }
  }
  try {
    const folder = join(storage, "trails", initialRevision);
    mkdirSync(dirname(folder), { recursive: true });
    transaction.deploy(folder);
    // Revision 0 is good as soon as it is READY; another name is that of a prepared revision.
    if (initialRevision !== FACTORY) writeProgress(folder, progressOf.factory);
  } catch (error) {
    const message = `the exports cannot be deployed: ${(error as Error).message}`;
    throw new BadExport(message, { cause: error });
  }
}

/** Paths of regular files, in byte order of their names. */
function exportFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { encoding: "buffer" })
    .sort((a, b) => Buffer.compare(a, b))
    .map((name) => name.toString("utf8"))
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}
