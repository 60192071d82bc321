import type { HostConfig } from "dockerode";
import type { Engine } from "./engine.ts";
import { readText } from "./machine-checks.ts";

/** Capabilities by number (linux/capability.h). */
export const CAPABILITIES = `
  CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP
  LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER
  SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE
  SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP
  MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF
  CHECKPOINT_RESTORE
`
  .trim()
  .split(/\s+/);

/** CgroupnsMode is missing in the types of dockerode. */
export type PrivilegeProfile = HostConfig & { readonly CgroupnsMode: "private" };

/**
 * The privileges that an appengine needs (docs/pantavisor.md §2.7): all capabilities, all
 * devices, no confinement, nothing masked, and a cgroup namespace of its own, by which pv-ctrl
 * identifies callers.
 *
 * `--privileged` gives them when the bounding set is full. When it lacks a capability, runc
 * refuses that flag ("unable to apply caps"), so we ask for the largest available set instead.
 */
export function privilegeProfile(engine: Engine): PrivilegeProfile {
  return hostConfig(engine.sameMachine ? missingOnEngine(missingCapabilities()) : []);
}

/** @param missing capabilities that the engine's processes cannot have */
export function hostConfig(missing: readonly string[]): PrivilegeProfile {
  return {
    ...(missing.length === 0
      ? { Privileged: true }
      : // "ALL" is what this engine and kernel know, so no list of ours can name too much.
        { Privileged: false, CapAdd: ["ALL"], CapDrop: [...missing] }),
    SecurityOpt: ["seccomp=unconfined", "apparmor=unconfined"],
    MaskedPaths: [],
    ReadonlyPaths: [],
    DeviceCgroupRules: ["a *:* rwm"],
    CgroupnsMode: "private",
  };
}

/**
 * Capabilities that the engine's processes cannot have. An engine runs no container without
 * SYS_ADMIN: where pvh lacks that, as in a container beside the engine's, the engine has others.
 *
 * @param ours as of missingCapabilities()
 */
export function missingOnEngine(ours: readonly string[]): readonly string[] {
  return ours.includes("SYS_ADMIN") ? [] : ours;
}

/** Capabilities that this machine's kernel knows and our bounding set lacks. */
export function missingCapabilities(): string[] {
  const last = Number.parseInt(readText("/proc/sys/kernel/cap_last_cap"), 10);
  const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readText("/proc/self/status"))?.[1];
  // When /proc does not tell, assume that none is missing: the engine reports what it refuses.
  return bounding === undefined || Number.isNaN(last) ? [] : missingFrom(bounding, last);
}

/**
 * @param bounding hexadecimal mask, as in /proc/PID/status
 * @param last     number of the newest capability of the kernel
 */
export function missingFrom(bounding: string, last: number): string[] {
  const mask = BigInt(`0x${bounding}`);
  return CAPABILITIES.filter((_, bit) => bit <= last && ((mask >> BigInt(bit)) & 1n) === 0n);
}
