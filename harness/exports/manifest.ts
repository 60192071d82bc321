import { RUN_SPEC } from "../../broker/shared/formats/run-manifest.ts";
import { PvhError } from "../errors.ts";
import type { ContainerDefinition } from "./container-definition.ts";
import { isJsonObject, sortKeys } from "./json-value.ts";
import type { JsonObject, JsonValue } from "./json-value.ts";
import { ociConfigOf } from "./oci-config.ts";
import { volumeOf } from "./volume-name.ts";

/** args.json key → where its value goes in run.json, verbatim (docs/pantavisor.md §1.5). */
const RUN_PATHS: Readonly<Record<string, readonly [string, string?]>> = {
  PV_SERVICES_REQUIRED: ["services", "required"],
  PV_SERVICES_OPTIONAL: ["services", "optional"],
  PV_SERVICES_MANUAL: ["services", "manual"],
  PV_DRIVERS_REQUIRED: ["drivers", "required"],
  PV_DRIVERS_OPTIONAL: ["drivers", "optional"],
  PV_DRIVERS_MANUAL: ["drivers", "manual"],
  PV_NETWORK_POOL: ["network", "pool"],
  PV_NETWORK_HOSTNAME: ["network", "hostname"],
  PV_NETWORK_IP: ["network", "ip"],
  PV_NETWORK_MAC: ["network", "mac"],
  PV_NETWORK_MODE: ["network", "mode"],
  PV_AUTO_RECOVERY: ["auto_recovery"],
  PV_GROUP: ["group"],
  PV_RESTART_POLICY: ["restart_policy"],
  PV_STATUS_GOAL: ["status_goal"],
  PV_ROLES: ["roles"],
  PV_CONDITIONS: ["conditions"],
  PV_REMOUNT: ["remount"],
  PV_WASM: ["wasm"],
};

/** Keys of args.json that there are; `services` is the older form of PV_SERVICES_REQUIRED. */
export const ARGUMENTS: readonly string[] = [...Object.keys(RUN_PATHS), "services"];

/**
 * The place in args.json of what stands at this one in run.json.
 * @returns undefined for what is not of args.json
 */
export function argumentPath(run: readonly string[]): string[] | undefined {
  const found = Object.entries(RUN_PATHS).find(([, path]) =>
    path.every((step, index) => step === run[index]),
  );
  return found === undefined ? undefined : [found[0], ...run.slice(found[1].length)];
}

/**
 * run.json from args.json, as the template `builtin-lxc-docker` of pvr renders it.
 *
 * @throws PvhError PVH_USAGE naming an argument that pvh does not render: dropping one in
 *         silence could drop a restriction
 */
export function runManifestOf(definition: ContainerDefinition): JsonObject {
  const { name, group, args, type = "lxc", persistence = {}, volumes = {}, module } = definition;
  const mounted = Object.entries(volumes).map(([path, how]) => [volumeOf(path), how] as const);
  const overlay = module === undefined ? { "lxc-overlay": "boot" } : {};
  const kept = [...Object.entries({ ...overlay, ...persistence }), ...mounted];
  const run: JsonObject = {
    "#spec": RUN_SPEC,
    config: configNameOf(definition),
    drivers: { manual: [], optional: [], required: [] },
    group,
    name,
    ...(module === undefined && { "root-volume": "root.squashfs" }),
    storage: Object.fromEntries(kept.map(([volume, how]) => [volume, { persistence: how }])),
    type,
    volumes: [],
  };
  for (const [key, value] of Object.entries(args)) {
    const path = key === "services" ? (["services", "required"] as const) : RUN_PATHS[key];
    if (path === undefined) {
      throw new PvhError("PVH_USAGE", `args.json of ${name}: pvh does not render ${key}`, {
        hint: `it knows ${ARGUMENTS.join(" ")}`,
      });
    }
    place(run, path, key === "services" ? olderRequirements(value) : value);
  }
  return sortKeys(run);
}

/**
 * The signature of a container, as far as a state is concerned: which keys it owns. The bytes of
 * the signature itself are nothing: an appengine that verifies signatures refuses it.
 */
function signatureOf(name: string): JsonObject {
  const pvs = {
    exclude: [`${name}/src.json`, `_sigs/${name}.json`],
    include: [`${name}/**`, `_config/${name}/**`],
    part: name,
  };
  const header = JSON.stringify({ alg: "ES256", pvs, typ: "PVS" });
  return {
    "#spec": "pvs@2",
    protected: Buffer.from(header).toString("base64url"),
    signature: Buffer.alloc(64).toString("base64url"),
  };
}

/** Name of a container's module, on disk and in a state. */
export const MODULE_NAME = "module.wasm";

/** The object that run.json names as config: of LXC, or of an OCI runtime. */
export function configOf(definition: ContainerDefinition): string {
  return definition.type === "runc"
    ? JSON.stringify(ociConfigOf(definition))
    : lxcConfOf(definition);
}

function configNameOf({ type, module }: ContainerDefinition): string {
  if (module !== undefined) return MODULE_NAME;
  return type === "runc" ? "config.oci" : "lxc.container.conf";
}

/** The LXC configuration, line for line as recorded. */
export function lxcConfOf({ name, entrypoint, volumes = {} }: ContainerDefinition): string {
  const mounts = Object.keys(volumes).map((path) => {
    const places = [`/volumes/${name}/${volumeOf(path)}`, path.slice(1)];
    // A blank ends a field here, as in fstab(5).
    const [source, target] = places.map((place) => place.replaceAll(" ", "\\040"));
    return `lxc.mount.entry = ${source} ${target} none bind,rw,create=dir 0 0\n`;
  });
  return `lxc.tty.max = 8
lxc.pty.max = 1024
lxc.cgroup.devices.allow = a
lxc.rootfs.path = overlayfs:/volumes/${name}/root.squashfs:/volumes/${name}/lxc-overlay/upper
lxc.init.cmd = ${entrypoint.join(" ")}
lxc.namespace.keep = user  net  ipc
lxc.mount.auto = proc  sys:rw  cgroup
lxc.mount.entry = /etc/resolv.conf etc/resolv.conf none bind,rw,create=file 0 0
lxc.mount.entry = tmpfs run tmpfs rw,nodev,relatime,create=dir,mode=755 0 0
${mounts.join("")}`;
}

/** src.json: what the export was made from. Pantavisor ignores it; pvr can read it back. */
export function sourceManifestOf({
  args,
  entrypoint,
  persistence = {},
  volumes = {},
}: ContainerDefinition): JsonObject {
  return sortKeys({
    "#spec": "service-manifest-src@1",
    args,
    docker_config: { Entrypoint: [...entrypoint] },
    persistence: { ...persistence, ...volumes },
    pv_build_origin: "pvh",
    template: "builtin-lxc-docker",
  });
}

/**
 * The keys of one container in a state, without `#spec`.
 *
 * @param objects sha256 of the container's objects; `config` by path
 */
export function fragmentOf(
  definition: ContainerDefinition,
  objects: {
    readonly conf: string;
    /** Absent for a module, which is the object `conf`. */
    readonly root?: string | undefined;
    readonly config?: Readonly<Record<string, string>>;
  },
): JsonObject {
  const { name, services, signed } = definition;
  const config = Object.entries(objects.config ?? {});
  return {
    ...Object.fromEntries(config.map(([path, sha256]) => [`_config/${name}/${path}`, sha256])),
    ...(signed === true && { [`_sigs/${name}.json`]: signatureOf(name) }),
    [`${name}/${configNameOf(definition)}`]: objects.conf,
    ...(objects.root !== undefined && { [`${name}/root.squashfs`]: objects.root }),
    [`${name}/run.json`]: runManifestOf(definition),
    ...(services !== undefined && { [`${name}/services.json`]: sortKeys(services) }),
    [`${name}/src.json`]: sourceManifestOf(definition),
  };
}

function place(run: JsonObject, [key, below]: readonly [string, string?], value: JsonValue): void {
  if (below === undefined) {
    run[key] = value;
    return;
  }
  const parent = run[key];
  run[key] = { ...(isJsonObject(parent) ? parent : {}), [below]: value };
}

/**
 * The older form names the injection path `socket`; run.json calls it `target`
 * (docs/pantavisor.md §1.3).
 */
function olderRequirements(value: JsonValue): JsonValue {
  if (!Array.isArray(value)) return value;
  return value.map((item) => {
    if (!isJsonObject(item) || !("socket" in item) || "target" in item) return item;
    const { socket, ...rest } = item;
    return { ...rest, target: socket ?? null };
  });
}
