import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { mount } from "../../shared/linux/mount.ts";
import type { ContainerProcess, Ending } from "./container-process.ts";
import { watchContainer } from "./container-process.ts";
import type { ContainerStart } from "./container-start.ts";
import { ociConfig } from "./oci-config.ts";
import { readObject } from "./revision-object.ts";
import { runBundle, runcErrorFromLog } from "./runc-bundle.ts";
import { OVERLAY } from "./storage-volumes.ts";
import { imageName } from "./volumes.ts";

/**
 * Containers of type runc: `runc run` is the monitor. It has no file systems of its own like
 * LXC, so the overlay is mounted here, and its output is the container's console.
 */
export function startRunc(start: ContainerStart): ContainerProcess {
  const { name, run, revisionFolder, volumes, controlSocket, views, sockets, environment } = start;
  if (run.config === undefined) throw new Error("run.json names no config");
  if (run["root-volume"] === undefined) throw new Error("run.json names no root-volume");
  const root = mountRoot(volumes, run["root-volume"], start.configFolder);
  const own = readObject(revisionFolder, name, run.config);
  const config = ociConfig(own, { name, root, controlSocket, views, sockets, environment });
  const { monitor, readLog } = runBundle(name, config, join(start.logFolder, "runc"));
  return watchContainer(monitor, (code) => describeEnd(code, readLog()));
}

function mountRoot(volumes: string, rootVolume: string, configFolder?: string): string {
  const root = join(volumes, "rootfs");
  mkdirSync(root, { recursive: true });
  const data = rootLayers(volumes, rootVolume, configFolder);
  mount({ source: "overlay", target: root, type: "overlay", data });
  return root;
}

/** Mount options of a root: its writable layer over its `_config` over its image. */
export function rootLayers(volumes: string, rootVolume: string, configFolder?: string): string {
  const image = join(volumes, imageName(rootVolume));
  const lower = configFolder === undefined ? image : `${configFolder}:${image}`;
  const writable = join(volumes, OVERLAY);
  return `lowerdir=${lower},upperdir=${join(writable, "upper")},workdir=${join(writable, "work")}`;
}

/** Exit codes from 129 on are signals, as a shell has them. */
const SIGNALLED = 128;

function describeEnd(monitorCode: number | null, log: string): Ending {
  const reason = runcErrorFromLog(log);
  if (reason !== undefined) return { exitCode: monitorCode ?? 1, reason };
  if (monitorCode === null || monitorCode > SIGNALLED) return { exitCode: null };
  return { exitCode: monitorCode };
}
