import { join } from "node:path";
import type { ContainerStart, NetworkPlace } from "./container-start.ts";

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
  readonly sockets?: ContainerStart["sockets"];
  readonly network?: ContainerStart["network"];
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
  const { network, sockets = [] } = additions;
  const lines = [
    ...(configFolder === undefined ? [] : [`lxc.rootfs.path = ${rootOver(own, configFolder)}`]),
    `lxc.uts.name = ${network?.hostname ?? name}`,
    ...(network === undefined ? [] : interfaceLines(network)),
    "lxc.apparmor.profile = unconfined",
    `lxc.log.file = ${join(logFolder, "lxc.log")}`,
    "lxc.log.level = INFO",
    `lxc.console.logfile = ${join(logFolder, "console.log")}`,
    `lxc.console.size = ${CONSOLE_SIZE}`,
    "lxc.console.rotate = 1",
    `lxc.mount.entry = ${controlSocket} pantavisor/pv-ctrl none bind,create=file 0 0`,
    ...sockets.map(
      ({ source, target }) => `lxc.mount.entry = ${source} ${target} none bind,create=file 0 0`,
    ),
    ...views.map(
      ({ source, name: place, isFile }) =>
        `lxc.mount.entry = ${source} pantavisor/${place} none ${VIEW},create=${isFile === true ? "file" : "dir"} 0 0`,
    ),
    ...Object.entries(environment).map(([key, value]) => `lxc.environment = ${key}=${value}`),
  ];
  const base = network === undefined ? own : withOwnNetwork(own);
  return `${base.trimEnd()}\n${lines.join("\n")}\n`;
}

/** One interface, eth0, on the pool's bridge. */
function interfaceLines({ bridge, address, gateway, mac }: NetworkPlace): string[] {
  return [
    "lxc.net.0.type = veth",
    `lxc.net.0.link = ${bridge}`,
    "lxc.net.0.name = eth0",
    "lxc.net.0.flags = up",
    `lxc.net.0.hwaddr = ${mac}`,
    `lxc.net.0.ipv4.address = ${address}`,
    `lxc.net.0.ipv4.gateway = ${gateway}`,
  ];
}

/** The template of pvr keeps the appengine's network; in a pool a container has its own. */
function withOwnNetwork(own: string): string {
  return own.replace(
    /^([ \t]*lxc\.namespace\.keep[ \t]*=)(.*)$/gm,
    (_, key: string, words: string) => {
      const kept = words.split(/\s+/).filter((word) => word !== "" && word !== "net");
      return kept.length === 0 ? "" : `${key} ${kept.join(" ")}`;
    },
  );
}

/** Options of a view: a container reads it, and finds no way out of it. */
const VIEW = "bind,ro,nosuid,nodev,noexec";

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
