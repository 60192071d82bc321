import { Readable } from "node:stream";
import type Dockerode from "dockerode";
import type { AppengineShell } from "./appengine-shell.ts";
import { LOG_ROOT } from "./layout.ts";
import { within } from "../within.ts";
import type { Evidence } from "./evidence.ts";
import type { ExtractedFiles } from "./extract-regular-files.ts";

/** Folders of telling files that are taken before everything else. */
const FIRST = 64;
/** Milliseconds for all of it, and for the list of folders and each of them. */
const ALL = 5_000;
const ONE = 1_000;
/** Names of the logs that explain most, the best first. */
const TELLING = ["pantavisor.log", "lxc.log", "console.log"];
/** Folder of the first revision's pantavisor.log, known also when no shell answers any more. */
const PANTAVISOR = "/0/pantavisor";

/**
 * The log tree of the appengine's storage: pantavisor's own log and the logs and consoles of
 * containers first, so that 20,000 files of somebody's do not take their place; then the rest.
 */
export async function collectLogs(
  appengine: Pick<AppengineShell, "sh">,
  container: Dockerode.Container,
  extracted: ExtractedFiles,
  patience: (ms: number) => AbortSignal,
): Promise<Evidence[]> {
  const enough = patience(ALL);
  const what = "log tree of the appengine's storage";
  for (const folder of await tellingFolders(appengine, patience(ONE))) {
    const parent = folder.slice(0, folder.lastIndexOf("/") + 1);
    const take: Take = (archive) => extracted.take(archive, `logs${parent}`, TELLING);
    const soon = AbortSignal.any([enough, patience(ONE)]);
    await withArchive(container, `${LOG_ROOT}${folder}`, take, soon).catch(() => undefined);
  }
  try {
    await withArchive(container, LOG_ROOT, (archive) => extracted.take(archive), enough);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    extracted.leftOut.add(`whatever came after this: ${why}`, LOG_ROOT);
  }
  if (extracted.count === 0) return [];
  const { leftOut } = extracted;
  // A tree of logs has links that belong there; the index of the evidence names them.
  const missing = leftOut.isNoFilesAlone ? {} : { missing: leftOut.summary() };
  return [{ path: "logs", what: `${what}, ${extracted.count} files`, ...missing }];
}

/** Folders below the log root that hold such logs: `/0/NAME/lxc` and the like. */
async function tellingFolders(
  appengine: Pick<AppengineShell, "sh">,
  enough: AbortSignal,
): Promise<string[]> {
  const names = TELLING.map((name) => `-name ${name}`).join(" -o ");
  const script = `cd ${LOG_ROOT} && find . -type f \\( ${names} \\) | head -n 1000`;
  const found = await within(enough, appengine.sh(script, { signal: enough })).catch(
    () => undefined,
  );
  const files = (found?.stdout ?? "").split("\n").filter((line) => line.startsWith("./"));
  const first = TELLING.flatMap((name) => files.filter((file) => file.endsWith(`/${name}`)));
  const folders = first.map((file) => file.slice(1, file.lastIndexOf("/")));
  return [...new Set([PANTAVISOR, ...folders])].filter((name) => name !== "").slice(0, FIRST);
}

type Take = (archive: NodeJS.ReadableStream) => Promise<void>;

async function withArchive(
  container: Dockerode.Container,
  path: string,
  take: Take,
  enough: AbortSignal,
): Promise<void> {
  const late = (): Error => new Error("there was no more time");
  const opening = container.getArchive({ path });
  // The engine holds the container, also against its removal, until the archive is closed.
  const close = (archive: NodeJS.ReadableStream): void => {
    if (archive instanceof Readable) archive.destroy();
  };
  try {
    await within(enough, take(await within(enough, opening, late)), late);
  } finally {
    opening.then(close, () => undefined);
  }
}
