import type { ContainerDefinition } from "./container-definition.ts";
import type { JsonObject } from "./json-value.ts";
import { volumeOf } from "./volume-name.ts";

/** Capabilities that Docker gives a container by default. */
const CAPABILITIES = [
  "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP",
  "NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE",
].flatMap((line) => line.split(" ").map((name) => `CAP_${name}`));

/**
 * The OCI configuration of a container of type runc, as close to what lxcConfOf() gives as it
 * can be: it shares network, users and System V IPC with the appengine.
 */
export function ociConfigOf({ name, entrypoint, volumes = {} }: ContainerDefinition): JsonObject {
  return {
    ociVersion: "1.0.2",
    process: {
      args: [...entrypoint],
      capabilities: {
        bounding: CAPABILITIES,
        effective: CAPABILITIES,
        permitted: CAPABILITIES,
      },
      cwd: "/",
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      user: { gid: 0, uid: 0 },
    },
    root: { path: "rootfs" },
    mounts: [
      mountOf("/proc", "proc"),
      mountOf("/dev", "tmpfs", "nosuid", "mode=755"),
      mountOf("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666"),
      mountOf("/dev/shm", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777"),
      { destination: "/sys", type: "none", source: "/sys", options: ["rbind", "nosuid", "ro"] },
      mountOf("/run", "tmpfs", "nodev", "mode=755"),
      ...Object.keys(volumes).map((path) => ({
        destination: path,
        type: "bind",
        source: `/volumes/${name}/${volumeOf(path)}`,
        options: ["bind", "rw"],
      })),
    ],
    linux: {
      namespaces: ["pid", "mount", "uts"].map((type) => ({ type })),
      resources: { devices: [{ access: "rwm", allow: true }] },
    },
  };
}

function mountOf(destination: string, type: string, ...options: string[]): JsonObject {
  return { destination, type, source: type, options };
}
