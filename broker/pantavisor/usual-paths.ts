import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { listenIn } from "../shared/linux/unix-stream.ts";
import { ifRoom } from "../shared/no-room.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";
import type { AppengineConfig } from "./appengine-config.ts";

/** A folder or file of pantavisor that a container sees below /pantavisor. */
export interface ContainerView {
  readonly source: string;
  /** Name below /pantavisor. */
  readonly name: string;
  readonly isFile?: boolean;
}

/** Empty files: a device that nobody has claimed knows nothing of the cloud. */
const CLOUD_FILES = ["challenge", "device-id", "pantahub-host"];

/** Where pantavisor's own parts hand over logs; a container that manages sees it. */
const FD_LOG = "pv-fd-log";
/** The cloud's credentials; a container finds an empty folder. */
const CREDENTIALS = "phconfig";

/**
 * Paths by which programs and people know an appengine (docs/pantavisor.md §2.4), besides those
 * that its settings name. A full disk, which any container can make, costs them and nothing else.
 */
export class UsualPaths {
  readonly #config: AppengineConfig;
  readonly #areMissing: boolean;

  constructor(config: AppengineConfig, quirks: Quirks) {
    this.#config = config;
    this.#areMissing = quirks.has("paths-missing");
  }

  /** `/storage`, and the folder of exports. */
  makeOfAppengine(root = "/"): void {
    if (this.#areMissing) return;
    const { storage, values } = this.#config;
    const link = join(root, "storage");
    if (!existsSync(link)) symlinkSync(storage, link);
    mkdirSync(join(root, values.get("PV_DISK_EXPORTSDIR")?.value ?? "exports"), {
      recursive: true,
    });
  }

  /** Metadata and the cloud's files beside pv-ctrl, in the run directory. */
  makeOfControl(): void {
    if (this.#areMissing) return;
    const { storage, runDirectory } = this.#config;
    ifRoom(() => {
      mkdirSync(join(runDirectory, CREDENTIALS), { recursive: true });
      plantSocket(runDirectory, FD_LOG);
    });
    for (const [name, cache] of METADATA) {
      const link = join(runDirectory, name);
      rmSync(link, { force: true });
      symlinkSync(join(storage, "cache", cache), link);
    }
    for (const name of CLOUD_FILES) {
      const path = join(runDirectory, name);
      rmSync(path, { force: true });
      ifRoom(() => writeFileSync(path, "", { mode: 0o444 }));
    }
  }

  /** `logs/current`, a link to the logs of the revision that runs. */
  pointAtLogs(revision: string): void {
    if (this.#areMissing) return;
    const current = join(this.#config.storage, "logs/current");
    ifRoom(() => {
      rmSync(`${current}.next`, { force: true });
      symlinkSync(revision, `${current}.next`);
      renameSync(`${current}.next`, current);
    });
  }

  /** Files of a container's log folder that are there also when it logs nothing. */
  makeOfContainer(logFolder: string): void {
    if (this.#areMissing) return;
    ifRoom(() => {
      for (const name of ["var/log/syslog", "var/log/messages"]) {
        const path = join(logFolder, name);
        mkdirSync(dirname(path), { recursive: true });
        closeSync(openSync(path, "a", 0o644));
      }
    });
  }

  /** Sockets of the log server that a container sees, each with its path below the root. */
  socketsOf(hasDevLog: boolean): readonly { readonly source: string; readonly target: string }[] {
    const source = logSocketOf(this.#config);
    const isOn = this.#config.values.get("PV_LOG_AUTO_DEVLOG")?.value !== "0";
    // Without a log server, as in tests of pantavisor alone, there is nothing to bind.
    if (!existsSync(source)) return [];
    const targets = ["pantavisor/pv-ctrl-log", ...(hasDevLog && isOn ? ["dev/log"] : [])];
    return targets.map((target) => ({ source, target }));
  }

  /**
   * Places that a container sees below /pantavisor, read-only: one with the role mgmt all metadata, also
   * that of other containers which have some by then, all logs and the cloud's files; any other its own.
   */
  viewsOf(container: string, isManaging: boolean, logFolder: string): readonly ContainerView[] {
    if (this.#areMissing) return [];
    const { storage, runDirectory } = this.#config;
    const views = isManaging
      ? [
          ...METADATA.map(([name, cache]) => ({ name, source: join(storage, "cache", cache) })),
          { name: "logs", source: join(storage, "logs") },
          { name: CREDENTIALS, source: join(runDirectory, CREDENTIALS) },
          { name: FD_LOG, source: join(runDirectory, FD_LOG), isFile: true },
          ...this.#sharedFolders(),
          ...CLOUD_FILES.map((name) => ({
            name,
            source: join(runDirectory, name),
            isFile: true,
          })),
        ]
      : [
          ...METADATA.map(([name]) => ({
            name,
            source: `${join(runDirectory, name)}.${container}`,
          })),
          { name: "logs", source: logFolder },
        ];
    return views.filter(({ source, ...view }) => {
      if (!("isFile" in view)) ifRoom(() => mkdirSync(source, { recursive: true }));
      return existsSync(source);
    });
  }

  /** `device-meta.NAME` and `user-meta.NAME`, of containers, of pantavisor and of pantahub. */
  #sharedFolders(): ContainerView[] {
    const { runDirectory } = this.#config;
    return readdirSync(runDirectory)
      .filter((name) => METADATA.some(([kind]) => name.startsWith(`${kind}.`)))
      .sort()
      .map((name) => ({ name, source: join(runDirectory, name) }));
  }
}

/** A socket that nobody listens to: the reference hands over no logs by it. */
function plantSocket(folder: string, name: string): void {
  rmSync(join(folder, name), { force: true });
  const directory = openSync(folder, "r");
  try {
    closeSync(listenIn(directory, name, 0o600, 1));
  } finally {
    closeSync(directory);
  }
}

/** The log server's socket. */
export function logSocketOf({ runDirectory }: AppengineConfig): string {
  return join(runDirectory, "pv-ctrl-log");
}

/** Folders of metadata that single containers see, without `.CONTAINER`. */
export function sharedMeta(
  name: "device-meta" | "user-meta",
  { config, quirks }: { readonly config: AppengineConfig; readonly quirks: Quirks },
): string | undefined {
  return quirks.has("meta-not-shared") ? undefined : join(config.runDirectory, name);
}

const METADATA = [
  ["device-meta", "devmeta"],
  ["user-meta", "usrmeta"],
] as const;
