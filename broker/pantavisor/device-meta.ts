import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { arch, cpus, endianness, hostname, release, type, version } from "node:os";
import { dirname, join } from "node:path";
import type { MetaStore } from "./control/pantavisor-view.ts";
import { ifRoom } from "../shared/no-room.ts";

/**
 * Metadata, kept as one file per key in a folder of storage/cache (docs/pantavisor.md §3.3). A key
 * `CONTAINER.KEY` is also a file KEY in a folder that this container sees.
 *
 * @param shared path of such a folder, without `.CONTAINER`
 */
export function openMetaStore(folder: string, shared?: string): MetaStore {
  mkdirSync(folder, { recursive: true });
  const fileOf = (key: string): string => join(folder, key);
  const keys = (): string[] =>
    readdirSync(folder)
      .filter((key) => !key.startsWith("."))
      .sort();
  const share = (key: string, value: string): void => {
    const path = sharedFile(shared, key);
    if (path === undefined) return;
    mkdirSync(dirname(path), { recursive: true });
    // No container sees it there, or can put a link in its place.
    const incoming = `${shared}-incoming`;
    writeFileSync(incoming, value);
    renameSync(incoming, path);
  };
  for (const key of keys()) ifRoom(() => share(key, readFileSync(fileOf(key), "utf8")));
  return {
    has: (key) => existsSync(fileOf(key)),
    size: () => keys().length,
    set(key, value) {
      const incoming = fileOf(".incoming");
      writeFileSync(incoming, value);
      renameSync(incoming, fileOf(key));
      share(key, value);
    },
    delete(key) {
      rmSync(fileOf(key), { force: true });
      const path = sharedFile(shared, key);
      if (path !== undefined) rmSync(path, { force: true });
    },
    all() {
      const values = keys().map((key) => [key, embed(readFileSync(fileOf(key), "utf8"))] as const);
      return Object.fromEntries(values);
    },
  };
}

/** The container is what comes before the first dot. */
function sharedFile(shared: string | undefined, key: string): string | undefined {
  const [, container = "", name = ""] = /^([\w-]+)\.(.+)$/s.exec(key) ?? [];
  const isFile = name !== "" && name !== "." && name !== ".." && !name.includes("/");
  return shared !== undefined && isFile ? join(`${shared}.${container}`, name) : undefined;
}

/** Metadata of the device, which pantavisor itself writes too. */
export interface DeviceMeta {
  readonly store: MetaStore;
  /** Set a value; on a full disk the one before stays. */
  describe(key: string, value: string): void;
}

/** The device metadata of a storage, with what pantavisor knows when it starts `revision`. */
export function openDeviceMeta(
  storage: string,
  revision: string,
  build: string,
  shared?: string,
): DeviceMeta {
  const store = openMetaStore(join(storage, "cache/devmeta"), shared);
  const describe = (key: string, value: string) => ifRoom(() => store.set(key, value));
  const facts = { ...describeDevice(revision, build), "pantavisor.status": "INSTALLED" };
  for (const [key, value] of Object.entries(facts)) describe(key, value);
  return { store, describe };
}

/** Facts that pantavisor knows about the machine when it starts. */
export function describeDevice(revision: string, build: string): Record<string, string> {
  return {
    "pantahub.claimed": "0",
    "pantahub.online": "0",
    "pantavisor.arch": `${machine()}/64/${endianness() === "LE" ? "EL" : "EB"}`,
    "pantavisor.cpumodel": cpus()[0]?.model.trim() ?? "",
    "pantavisor.dtmodel": deviceTreeModel(),
    "pantavisor.mode": "local",
    "pantavisor.revision": revision,
    "pantavisor.uname": JSON.stringify({
      "kernel.name": type(),
      "kernel.release": release(),
      "kernel.version": version(),
      "node.name": hostname(),
      machine: machine(),
    }),
    "pantavisor.version": build,
  };
}

/** Model of a board, empty where it has no device tree; the kernel ends the text with a NUL. */
function deviceTreeModel(): string {
  const file = "/proc/device-tree/model";
  return existsSync(file) ? readFileSync(file, "utf8").replaceAll("\0", "") : "";
}

function machine(): string {
  return arch() === "x64" ? "x86_64" : arch() === "arm64" ? "aarch64" : arch();
}

function embed(text: string): unknown {
  if (!/^[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
