import { SAFE_NAME } from "../../broker/shared/formats/names.ts";
import { SERVICES_SPEC } from "../../broker/shared/formats/services.ts";
import { PvhError } from "../errors.ts";
import { isJsonObject } from "./json-value.ts";
import type { JsonObject, JsonValue } from "./json-value.ts";
import type { RootName } from "./root-base.ts";

/** Input for an export of one container, besides its root file system. */
export interface ContainerDefinition {
  readonly name: string;
  readonly group: string;
  /** The first word is an absolute path in the container; a container of type wasm has none. */
  readonly entrypoint: readonly string[];
  /** Path of the module on this machine: type wasm, which has no root file system. */
  readonly module?: string | undefined;
  /** Type of the runtime that starts the container; default lxc. */
  readonly type?: string | undefined;
  /** args.json: the PV_* keys, or the older `services: […]` (docs/pantavisor.md §1.5). */
  readonly args: JsonObject;
  /**
   * Lifetime of stored data by name: `{"lxc-overlay": "revision"}` keeps what the container writes
   * beyond a boot (pvr's --volume, docs/pantavisor.md §1.3).
   */
  readonly persistence?: Readonly<Record<string, Persistence>> | undefined;
  /**
   * Folders of the container that are volumes of their own, by their absolute path: what pvr
   * makes of a Docker image's VOLUME.
   */
  readonly volumes?: Readonly<Record<string, Persistence>> | undefined;
  /** Text of files that are laid over its root, by their path without the leading slash. */
  readonly config?: Readonly<Record<string, string>> | undefined;
  /** Has a `_sigs/<name>.json` that owns its keys, as `pvr sig add` writes it; not verifiable. */
  readonly signed?: boolean | undefined;
  /** Name of its root file system in containers/examples/roots; absent: the common one. */
  readonly root?: RootName | undefined;
  /** services.json as it goes into the state; any documented form. Absent: exports nothing. */
  readonly services?: JsonValue;
}

export type Persistence = "boot" | "revision" | "permanent";

export interface DefineOptions {
  readonly name: string;
  readonly args?: JsonObject;
  /** Services that the container exports, or a whole services.json. */
  readonly services?: readonly JsonObject[] | JsonObject;
  /** A program that the examples' shared root has; default: idle, ended by TERM and PWR. */
  readonly program?: string;
  /** Path of a WebAssembly module: makes it a container of type wasm. */
  readonly module?: string;
  readonly group?: string;
  readonly type?: ContainerDefinition["type"];
  readonly persistence?: ContainerDefinition["persistence"];
  readonly volumes?: ContainerDefinition["volumes"];
  readonly config?: ContainerDefinition["config"];
  readonly signed?: boolean;
  readonly root?: ContainerDefinition["root"];
}

/** Program that only waits; scenarios run the commands that they need beside it. */
const IDLE_PROGRAM = "/usr/lib/pv-example/idle";

/**
 * A container declared inside a scenario. It shares the examples' root file system.
 *
 * @example
 * defineContainer({
 *   name: "probe",
 *   args: { PV_SERVICES_REQUIRED: [{ name: "raw-unix", target: "/run/pv/services/raw.sock" }] },
 * })
 *
 * @throws PvhError PVH_USAGE when the name may not travel in headers and paths
 */
export function defineContainer(options: DefineOptions): ContainerDefinition {
  const { name, args = {}, services, program = IDLE_PROGRAM, group = "app" } = options;
  const { persistence, volumes, config, signed, module, root } = options;
  const type = module === undefined ? options.type : "wasm";
  const made = { volumes, config, signed, module, root };
  if (!SAFE_NAME.test(name)) {
    throw new PvhError("PVH_USAGE", `container name ${JSON.stringify(name)} is not usable`, {
      hint: "use 1 to 64 of A-Z a-z 0-9 _ . -",
    });
  }
  const entrypoint = module === undefined ? [program] : [];
  const definition = { name, group, entrypoint, type, args, persistence, ...made };
  if (services === undefined) return definition;
  const document = isJsonObject(services)
    ? services
    : { "#spec": SERVICES_SPEC, services: [...services] };
  return { ...definition, services: document };
}
