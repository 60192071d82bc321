import { accessSync, constants, readFileSync, statfsSync, statSync } from "node:fs";
import { release } from "node:os";
import { dirname } from "node:path";

/** One line of `pvh doctor`. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  /** Result of the check on this machine, in words. */
  readonly found: string;
  /** Consequence of the problem; `fix` is the command that helps. */
  readonly means?: string;
  readonly fix?: string;
}

/** Reads a file of this machine; empty when there is none. Injected so that rules are testable. */
export type ReadText = (path: string) => string;

export const readText: ReadText = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

/** Capabilities that every appengine needs: for mounts, device nodes, setns, roles as uids. */
const INDISPENSABLE = ["SYS_ADMIN", "MKNOD", "SYS_CHROOT", "SYS_PTRACE", "SETUID", "SETGID"];

export function checkCgroups(read: ReadText = readText): Finding {
  const name = "cgroups";
  const mounts = read("/proc/self/mounts")
    .split("\n")
    .map((line) => line.split(" ")[2]);
  const first = mounts.includes("cgroup");
  const second = mounts.includes("cgroup2");
  const found = first ? (second ? "v1 and v2 (hybrid)" : "v1") : second ? "v2" : "none mounted";
  if (filesystems(read).has("cgroup2")) return { name, ok: true, found };
  return {
    name,
    ok: false,
    found: `${found}; the kernel has no cgroup2`,
    means: "pv-ctrl cannot tell its callers apart",
    fix: "use a kernel with CONFIG_CGROUPS and cgroup v2 (4.5 or newer)",
  };
}

/** @param missing as of missingCapabilities() */
export function checkCapabilities(missing: readonly string[]): Finding {
  const name = "capabilities";
  const fatal = missing.filter((capability) => INDISPENSABLE.includes(capability));
  if (missing.length === 0) return { name, ok: true, found: "full set: appengines run privileged" };
  if (fatal.length === 0) {
    return { name, ok: true, found: `all but ${missing.join(", ")}: appengines get the rest` };
  }
  return {
    name,
    ok: false,
    found: `the bounding set lacks ${missing.join(", ")}`,
    means: `appengines cannot work without ${fatal.join(", ")}`,
    fix: "run pvh on the host, or in a container started with --privileged",
  };
}

export function checkLoop(read: ReadText = readText): Finding {
  const name = "loop devices";
  if (/^ *7 loop$/m.test(read("/proc/devices"))) return { name, ok: true, found: "available" };
  return {
    name,
    ok: false,
    found: "the kernel has no loop driver loaded",
    means: "containers' root filesystems cannot be mounted",
    fix: "modprobe loop",
  };
}

/** overlay or squashfs. A module that mount(2) loads by itself counts. */
export function checkFilesystem(name: "overlay" | "squashfs", read: ReadText = readText): Finding {
  if (filesystems(read).has(name)) return { name, ok: true, found: "in the kernel" };
  const modules = read(`/lib/modules/${release()}/modules.dep`);
  if (modules.includes(`/${name}.ko`))
    return { name, ok: true, found: "module, loaded when needed" };
  return {
    name,
    ok: false,
    found: "the kernel does not have it",
    means: "containers' root filesystems cannot be mounted",
    fix: `modprobe ${name}, or use a kernel with it`,
  };
}

/** @param free bytes; injected for tests */
export function checkDisk(
  name: string,
  folder: string,
  needed: number,
  free = freeBytes(folder),
): Finding {
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  const unwritable = whyUnwritable(folder);
  if (unwritable !== undefined) {
    return {
      name,
      ok: false,
      found: `${folder} cannot be made: ${unwritable}`,
      means: "pvh can keep nothing there",
      fix: "set HOME, XDG_CACHE_HOME or XDG_STATE_HOME to a folder that can be written to",
    };
  }
  const found = `${gigabytes(free)} free at ${folder}`;
  if (free >= needed) return { name, ok: true, found };
  return {
    name,
    ok: false,
    found,
    means: `pvh needs about ${gigabytes(needed)} there`,
    fix: `free some space, or set XDG_CACHE_HOME and XDG_STATE_HOME to a larger disk`,
  };
}

/** Why a folder cannot be written to, or be made. */
function whyUnwritable(folder: string): string | undefined {
  try {
    if (!statSync(folder).isDirectory()) return `${folder} is not a folder`;
    accessSync(folder, constants.W_OK);
    return undefined;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" && folder !== "/") return whyUnwritable(dirname(folder));
    if (code === "ENOTDIR") return whyUnwritable(dirname(folder));
    return error instanceof Error ? error.message : String(error);
  }
}

/** Free bytes where a folder is, or would be made. */
function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return folder === "/" ? 0 : freeBytes(dirname(folder));
  }
}

function filesystems(read: ReadText): Set<string> {
  const lines = read("/proc/filesystems").split("\n");
  return new Set(lines.map((line) => line.split("\t")[1] ?? ""));
}
