import { readFileSync, readlinkSync } from "node:fs";

/** The run that a container or volume belongs to. */
export const RUN_LABEL = "pvh.run";
/** The process that removes it: see Owner. Everything that pvh makes carries this label. */
export const OWNER_LABEL = "pvh.owner";
/** Set on what `pvh up` leaves running: it outlives its maker until `pvh down`. */
export const HELD_LABEL = "pvh.held";
/** Set on an image that has the tools which pvh needs: where they come from. */
export const TOOLS_LABEL = "pvh.tools";
/** Its value for an image that has them itself. */
export const OWN_TOOLS = "own";

/** Set on an image whose broker is the reference's: the hash of what was put into it. */
export const BROKER_LABEL = "pvh.broker";

/** Labels of an image or a container; an engine may say null for none. */
export function labelsOf(config: {
  readonly Labels?: object | null;
}): Readonly<Record<string, string>> {
  return (config.Labels ?? {}) as Record<string, string>;
}

/** @param labels of an image; one that was derived can only empty a label */
export function hasTools(labels: Readonly<Record<string, string>>): boolean {
  return (labels[TOOLS_LABEL] ?? "") !== "";
}

/** @param labels of an image; the reference needs no tools but its own */
export function hasOwnTools(labels: Readonly<Record<string, string>>): boolean {
  return labels[TOOLS_LABEL] === OWN_TOOLS;
}

/** Set on an image with objects in its object store: the hash of their names. */
export const STOCK_LABEL = "pvh.stock";

/**
 * A process, told apart from any other that ever was or will be: pids are used again, so the
 * start time counts too, and an engine may serve several machines and pid namespaces.
 */
export interface Owner {
  /** /etc/machine-id and the inode of the pid namespace, in which `pid` means something. */
  readonly machine: string;
  /** /proc/sys/kernel/random/boot_id */
  readonly boot: string;
  readonly pid: number;
  /** Clock ticks after boot, field 22 of /proc/PID/stat (proc(5)). */
  readonly start: number;
}

/**
 * Labels for a container or volume that this process is about to make.
 *
 * @param options.run  default: the environment's PVH_RUN
 * @param options.held true for what is to stay until `pvh down`
 */
export function ownerLabels(
  options: { readonly run?: string; readonly held?: boolean } = {},
): Record<string, string> {
  const run = options.run ?? process.env["PVH_RUN"] ?? "";
  return {
    [RUN_LABEL]: run,
    [OWNER_LABEL]: ownerName(),
    ...(options.held === true && { [HELD_LABEL]: "true" }),
  };
}

/** The environment variable that tells a worker which process it works for. */
export const OWNER_VARIABLE = "PVH_OWNER";

/**
 * The owner of what this process makes: itself, or the run that it is a worker of. A worker may
 * die before its run, or outlive it for a moment; what it made goes with the run.
 */
export function ownerName(): string {
  const run = process.env[OWNER_VARIABLE];
  return run !== undefined && parseOwner(run) !== undefined ? run : formatOwner(self());
}

export function formatOwner(owner: Owner): string {
  return `${owner.machine}/${owner.boot}/${owner.pid}/${owner.start}`;
}

/** @returns undefined for a label that pvh did not write */
export function parseOwner(label: string | undefined): Owner | undefined {
  const match = /^([^/]+)\/([^/]+)\/([1-9]\d*)\/(\d+)$/.exec(label ?? "");
  if (match === null) return undefined;
  const [, machine = "", boot = "", pid, start] = match;
  return { machine, boot, pid: Number(pid), start: Number(start) };
}

/** How the machine that judges looks; injected so that the judgement is testable. */
export interface Machine {
  readonly machine: string;
  readonly boot: string;
  /** Start time of a live process, undefined when there is none. */
  startTime(pid: number): number | undefined;
}

/**
 * True only when the owner lived on this machine, in this boot and pid namespace, and has ended.
 * An owner from elsewhere cannot be checked, so it counts as alive.
 */
export function isDead(owner: Owner, machine: Machine = thisMachine): boolean {
  if (owner.machine !== machine.machine || owner.boot !== machine.boot) return false;
  return machine.startTime(owner.pid) !== owner.start;
}

/** True only when the owner is a process of this machine, boot and pid namespace that lives. */
export function isAlive(owner: Owner, machine: Machine = thisMachine): boolean {
  if (owner.machine !== machine.machine || owner.boot !== machine.boot) return false;
  return machine.startTime(owner.pid) === owner.start;
}

export const thisMachine: Machine = {
  machine: `${machineId()}.${/\d+/.exec(linkOf("/proc/self/ns/pid"))?.[0] ?? "0"}`,
  boot: textOf("/proc/sys/kernel/random/boot_id") || "no-boot-id",
  startTime,
};

function self(): Owner {
  const start = startTime(process.pid) ?? 0;
  return { machine: thisMachine.machine, boot: thisMachine.boot, pid: process.pid, start };
}

function machineId(): string {
  // parseOwner() could not parse a label that contains an extra slash.
  return textOf("/etc/machine-id").replaceAll(/[^\w-]/g, "") || "no-machine-id";
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function startTime(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command name, in brackets, may itself hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : Number(fields[19]);
  } catch {
    return undefined;
  }
}
