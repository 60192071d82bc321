/** Paths at which a real appengine keeps things (docs/pantavisor.md §2.4, §2.5, §2.6, §3.1). */
export const STORAGE = "/var/pantavisor/storage";
export const EXPORTS_FOLDER = "/usr/lib/pantavisor/pvtx.d";
export const CONTROL_SOCKET = "/run/pantavisor/pv/pv-ctrl";
export const LOG_ROOT = `${STORAGE}/logs`;
/** A view of the log root that exists only while pantavisor runs. */
export const RUN_LOG_ROOT = "/run/pantavisor/pv/logs";

export function pantavisorLog(revision = "0"): string {
  return `${LOG_ROOT}/${revision}/pantavisor/pantavisor.log`;
}

/** Created at the container's first output. */
export function consoleLog(container: string, revision = "0"): string {
  return `${LOG_ROOT}/${revision}/${container}/lxc/console.log`;
}

/** Folder in an image with the tools that pvh brings. */
export const TOOLS = "/usr/lib/pvh-tools";
