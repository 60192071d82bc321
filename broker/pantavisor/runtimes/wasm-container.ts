import { closeSync, constants, fstatSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MAX_MODULE_BYTES } from "../../shared/formats/wasm-guest.ts";
import type { WasmGuest } from "../../shared/formats/wasm-guest.ts";
import { wasmOptions } from "../../shared/formats/wasm-options.ts";
import type { WasmOptions } from "../../shared/formats/wasm-options.ts";
import { MountFlag, mount } from "../../shared/linux/mount.ts";
import type { ContainerProcess } from "./container-process.ts";
import type { ContainerStart } from "./container-start.ts";
import { engineOf } from "./wasm-engine-gate.ts";
import { objectPath } from "./revision-object.ts";
import { runBundle } from "./runc-bundle.ts";
import { GUEST_FILE, GUEST_UID, MODULE_FILE, wasmConfig } from "./wasm-config.ts";
import { withGuestChannel } from "./wasm-process.ts";

/**
 * Containers of type wasm: `config` names a module, which pv-wasm runs, a process of its own for
 * each container. It runs in a container of runc that holds nothing but this process: no network,
 * no capability, no account of root's, and a root in memory in which the broker plants sockets.
 */
export function startWasm(start: ContainerStart): ContainerProcess {
  const { name, run, revisionFolder, volumes, wasm, quirks } = start;
  // A machine without an engine says so whatever else is wrong.
  engineOf(wasm, "v8", quirks);
  if (run.config === undefined) throw new Error("run.json names no config, which is its module");
  if (start.configFolder !== undefined) {
    throw new Error("its _config cannot be laid over it: a wasm container has no file system");
  }
  const module = objectPath(revisionFolder, name, run.config);
  refuseLarge(module, run.config);
  const options = wasmOptions.parse(run.wasm ?? {});
  const task = guestOf(start, options);
  const root = makeRoot(volumes);
  writeFileSync(join(root, GUEST_FILE), JSON.stringify(task));
  const config = wasmConfig({ name, root, module, controlSocket: start.controlSocket, ...options });
  const { monitor, readLog } = runBundle(name, config, join(start.logFolder, "wasm"), 1);
  return withGuestChannel(monitor, readLog, options, quirks);
}

function guestOf(
  { name, run, exports, wasm, quirks }: ContainerStart,
  { engine, args, env, memory_pages, table_elements }: WasmOptions,
): WasmGuest {
  const foreign = exports.find(({ type }) => type !== "rest");
  if (foreign !== undefined) {
    const what = `service '${foreign.name}' of type ${foreign.type}`;
    throw new Error(`${what} cannot come from a wasm container: it provides type rest alone`);
  }
  const { required, optional } = run.services;
  return {
    name,
    engine: engineOf(wasm, engine, quirks),
    module: MODULE_FILE,
    memoryPages: memory_pages,
    tableElements: table_elements,
    args,
    env,
    requires: [...required, ...optional].flatMap(({ name: service, type, target }) =>
      target === undefined ? [] : [{ name: service, type, socket: target }],
    ),
    provides: exports.map(({ name: service, type, socket }) => ({ name: service, type, socket })),
    quirks: wasm.quirks,
  };
}

/** @throws Error naming the object */
function refuseLarge(path: string, file: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size } = fstatSync(fd);
    if (size <= MAX_MODULE_BYTES) return;
    throw new Error(`module ${file} has ${size} bytes, more than ${MAX_MODULE_BYTES}`);
  } finally {
    closeSync(fd);
  }
}

/** Entries and bytes that a root in memory may hold: sockets, folders, and the guest's task. */
const ROOT_LIMITS = "size=4m,nr_inodes=1024";

function makeRoot(volumes: string): string {
  const root = join(volumes, "rootfs");
  mkdirSync(root, { recursive: true });
  const data = `${ROOT_LIMITS},mode=755,uid=${GUEST_UID},gid=${GUEST_UID}`;
  mount({
    source: "none",
    target: root,
    type: "tmpfs",
    flags: MountFlag.noSuid | MountFlag.noDev,
    data,
  });
  return root;
}
