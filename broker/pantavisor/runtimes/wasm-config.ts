import { existsSync } from "node:fs";
import { hasController } from "./cgroup-controllers.ts";
import { RUNC_PAYLOAD } from "./oci-config.ts";

/** Account of the guest's process, that of nobody, and owner of its root. */
export const GUEST_UID = 65_534;
/** The guest's task in its root. */
export const GUEST_FILE = "guest.json";
/** The guest's module in its root. */
export const MODULE_FILE = "/module.wasm";

const PAGE = 64 * 1024;
/** Bytes of memory for Node and V8, beside the guest's own; measured at 45 MB when idle. */
const ENGINE_MEMORY = 192 * 1024 * 1024;
/** Bytes that Node may write to and hardly does: V8's range for code, and its threads' stacks. */
const RESERVED = 600 * 1024 * 1024;
/** Threads of Node and V8; the guest starts none. */
const MAX_THREADS = 64;
const MAX_OPEN_FILES = 1024;

export interface WasmContainer {
  readonly name: string;
  readonly root: string;
  /** Path of the module in the appengine. */
  readonly module: string;
  readonly controlSocket: string;
  readonly memory_pages: number;
}

/** The OCI configuration of the container in which pv-wasm runs the guest. */
export function wasmConfig(container: WasmContainer): object {
  const { name, root, module, controlSocket, memory_pages } = container;
  const limit = memory_pages * PAGE + ENGINE_MEMORY;
  return {
    ociVersion: "1.0.2",
    hostname: name,
    root: { path: root, readonly: false },
    process: {
      args: [process.execPath, "--max-old-space-size=64", PROGRAM],
      cwd: "/",
      env: [],
      user: { uid: GUEST_UID, gid: GUEST_UID },
      capabilities: {},
      noNewPrivileges: true,
      rlimits: [
        rlimit("CORE", 0),
        rlimit("NOFILE", MAX_OPEN_FILES),
        // Memory that can be written, also where cgroups have no limit for it. RLIMIT_AS would
        // count what V8 reserves beside each memory to notice accesses out of bounds.
        rlimit("DATA", limit + RESERVED),
      ],
    },
    mounts: [
      {
        destination: "/proc",
        type: "proc",
        source: "proc",
        options: ["nosuid", "noexec", "nodev"],
      },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"] },
      ...libraryFolders().map((path) => readOnly(path, path)),
      readOnly(PROGRAM, PROGRAM),
      readOnly(module, MODULE_FILE),
      { destination: CONTROL, type: "bind", source: controlSocket, options: ["bind"] },
    ],
    linux: {
      // Abstract sockets belong to a network namespace: the guest has one of its own, without any.
      namespaces: ["pid", "mount", "uts", "ipc", "network"].map((type) => ({ type })),
      resources: {
        devices: [{ allow: false, access: "rwm" }],
        ...(hasController("memory") && { memory: { limit } }),
        ...(hasController("pids") && { pids: { limit: MAX_THREADS } }),
      },
      maskedPaths: ["/proc/kcore", "/proc/keys", "/proc/sysrq-trigger", "/proc/timer_list"],
      readonlyPaths: ["/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs"],
      cgroupsPath: `/${RUNC_PAYLOAD}${name}`,
    },
  };
}

const PROGRAM = "/usr/bin/pv-wasm";
const CONTROL = "/pantavisor/pv-ctrl";

/** Folders of Node, of the programs and of their shared libraries; links lead to what they name. */
function libraryFolders(): string[] {
  return ["/usr/lib", "/lib", "/lib64"].filter((path) => existsSync(path));
}

function rlimit(name: string, value: number): object {
  return { type: `RLIMIT_${name}`, soft: value, hard: value };
}

function readOnly(source: string, destination: string): object {
  return { destination, type: "bind", source, options: ["bind", "ro", "nosuid", "nodev"] };
}
