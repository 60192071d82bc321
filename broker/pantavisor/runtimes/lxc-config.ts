import { join } from "node:path";
import type { ContainerStart } from "./container-start.ts";

/** Additions of pantavisor to a container's own lxc.container.conf. */
export interface LxcAdditions {
  readonly name: string;
  /** logs/<revision>/<name>/lxc */
  readonly logFolder: string;
  /** Files that are laid over its root. */
  readonly configFolder?: string | undefined;
  /** pv-ctrl, seen inside as /pantavisor/pv-ctrl. */
  readonly controlSocket: string;
  /** Folders that it sees below /pantavisor, read-only. */
  readonly views?: ContainerStart["views"];
  /** Environment of the container's init. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Bytes of console.log before it becomes console.log.1, so that it cannot fill the disk. */
const CONSOLE_SIZE = 16 * 1024 * 1024;

/**
 * The configuration given to lxc-start: the object as deployed, then ours, so that ours wins.
 *
 * `lxc.log.level` stays at INFO: at this level liblxc logs how init ended, the only place
 * where `lxc-start -F` tells (its own exit code is 0 whatever init returned).
 * @throws Error when files are to be laid over a root that is no overlay
 */
export function lxcConfig(own: string, additions: LxcAdditions): string {
  const { name, logFolder, configFolder, controlSocket, views = [], environment } = additions;
  const lines = [
    ...(configFolder === undefined ? [] : [`lxc.rootfs.path = ${rootOver(own, configFolder)}`]),
    `lxc.uts.name = ${name}`,
    "lxc.apparmor.profile = unconfined",
    `lxc.log.file = ${join(logFolder, "lxc.log")}`,
    "lxc.log.level = INFO",
    `lxc.console.logfile = ${join(logFolder, "console.log")}`,
    `lxc.console.size = ${CONSOLE_SIZE}`,
    "lxc.console.rotate = 1",
    `lxc.mount.entry = ${controlSocket} pantavisor/pv-ctrl none bind,create=file 0 0`,
    ...views.map(
      (view) => `lxc.mount.entry = ${view.source} pantavisor/${view.name} none ${VIEW} 0 0`,
    ),
    ...Object.entries(environment).map(([key, value]) => `lxc.environment = ${key}=${value}`),
  ];
  return `${own.trimEnd()}\n${lines.join("\n")}\n`;
}

/** Options of a view: a container reads it, and finds no way out of it. */
const VIEW = "bind,ro,nosuid,nodev,noexec,create=dir";

/** Root of the container with one more layer, the uppermost of its read-only layers. */
function rootOver(own: string, folder: string): string {
  const path = [...own.matchAll(/^[ \t]*lxc\.rootfs\.path[ \t]*=[ \t]*(.*?)[ \t\r]*$/gm)].at(
    -1,
  )?.[1];
  const layers = /^overlay(?:fs)?:(.+)$/.exec(path ?? "")?.[1];
  if (layers === undefined) {
    throw new Error(
      `its _config cannot be laid over lxc.rootfs.path ${JSON.stringify(path ?? "")}`,
    );
  }
  return `overlayfs:${folder}:${layers}`;
}

/**
 * How init ended, from what liblxc logged during one run: its exit code, null for a signal.
 * Only failures are logged; silence is exit 0.
 */
export function exitCodeFromLog(log: string): number | null {
  const endings = log.matchAll(/Child <\d+> ended on (?:error \((\d+)\)|signal )/g);
  const last = [...endings].at(-1);
  if (last === undefined) return 0;
  return last[1] === undefined ? null : Number(last[1]);
}

/** The first error that liblxc logged, without its prefix. */
export function startErrorFromLog(log: string): string | undefined {
  return /^.* ERROR +\S+ - \S+ - (.*)$/m.exec(log)?.[1];
}
