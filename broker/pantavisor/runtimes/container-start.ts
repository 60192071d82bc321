import type { RunManifest } from "../../shared/formats/run-manifest.ts";
import type { ServiceExport } from "../../shared/formats/services.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import type { ContainerProcess } from "./container-process.ts";

/** Input to a container type for starting a container, whose volumes are mounted by then. */
export interface ContainerStart {
  readonly name: string;
  readonly run: RunManifest;
  readonly exports: readonly ServiceExport[];
  /** trails/<revision> */
  readonly revisionFolder: string;
  /** logs/<revision>/<name> */
  readonly logFolder: string;
  /** /volumes/<name> */
  readonly volumes: string;
  /** Files that are laid over its root. */
  readonly configFolder: string | undefined;
  /** pv-ctrl, seen inside as /pantavisor/pv-ctrl. */
  readonly controlSocket: string;
  /** Folders of pantavisor that it sees below /pantavisor, read-only. */
  readonly views: readonly {
    readonly source: string;
    readonly name: string;
    readonly isFile?: boolean;
  }[];
  /** Further sockets, each at a path below its root. */
  readonly sockets: readonly { readonly source: string; readonly target: string }[];
  /** Its place in a network pool; without one it has the appengine's network. */
  readonly network: NetworkPlace | undefined;
  /** Added to the environment of the container's init. */
  readonly environment: Readonly<Record<string, string>>;
  readonly wasm: WasmSettings;
  readonly quirks: Quirks;
}

export interface NetworkPlace {
  readonly bridge: string;
  /** `10.0.5.2/24` */
  readonly address: string;
  readonly gateway: string;
  readonly mac: string;
  readonly hostname: string | undefined;
}

/** Settings of the appengine for containers of type wasm. */
export interface WasmSettings {
  /** Engine by name: `PVH_WASM_ENGINE`. */
  readonly engine: string;
  /** The machine as uname(2) names it: `PVH_MACHINE`, else this one. */
  readonly machine: string;
  /** As PVH_QUIRKS, for pv-wasm. */
  readonly quirks: string;
}

/**
 * Starts a container with the program that `type` in run.json chooses.
 * @throws Error when the container's configuration cannot be used
 */
export type StartContainer = (start: ContainerStart) => ContainerProcess;
