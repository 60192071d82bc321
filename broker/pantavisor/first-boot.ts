import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { CREDENTIALS_FILE } from "./appengine-config.ts";
import { KNOWN_SETTINGS } from "./known-settings.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";
import { ensureBootFile } from "./storage/boot-environment.ts";
import { writeDurably } from "./storage/durable-file.ts";
import type { OwnLog } from "./own-log.ts";
import { openTransaction } from "./storage/pvtx/transaction.ts";

export interface FirstBootOptions {
  readonly storage: string;
  /** pvtx.d: exports that become revision 0. */
  readonly exports: string;
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
  ensureBootFile(join(storage, "boot/uboot.txt"));
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
  const { storage, exports, transactionFolder, log, quirks } = options;
  const transaction = openTransaction(transactionFolder);
  transaction.abort();
  transaction.begin("empty", join(storage, "objects"));
  const files = quirks.has("stale-storage") ? [] : exportFiles(exports);
  for (const name of files) {
    try {
      await transaction.add(join(exports, name));
    } catch (error) {
      const message = `export ${name} cannot be added: ${(error as Error).message}`;
      if (!quirks.has("export-unchecked")) throw new BadExport(message, { cause: error });
      log.warn(message);
    }
  }
  try {
    transaction.deploy(join(storage, "trails/0"));
  } catch (error) {
    const message = `the exports cannot be deployed: ${(error as Error).message}`;
    throw new BadExport(message, { cause: error });
  }
}

/** Regular files in byte order. */
function exportFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { encoding: "buffer" })
    .sort((a, b) => Buffer.compare(a, b))
    .map((name) => name.toString("utf8"))
    .filter((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isFile() === true);
}
