import * as z from "zod";
import { containerNetwork } from "./network.ts";
import { checkDocumentSize } from "./document-size.ts";
import { driverNeeds } from "./drivers.ts";
import { objectName, serviceName, volumeName } from "./names.ts";
import { requirementExtensions } from "./extensions.ts";
import type { RequirementExtensions } from "./extensions.ts";
import { wasmOptions } from "./wasm-options.ts";

/**
 * run.json (docs/pantavisor.md §1.3): how Pantavisor starts one container and which services it
 * requires.
 */
export const RUN_SPEC = "service-manifest-run@1";

/** Values of `type` that something starts. */
export const CONTAINER_TYPES = ["lxc", "runc", "wasm"] as const;
export type ContainerType = (typeof CONTAINER_TYPES)[number];

/**
 * A requirement, normalised. `target` is where the socket or node appears in the consumer;
 * undefined means that the manifest gave no usable one.
 */
export interface Requirement extends RequirementExtensions {
  readonly name: string;
  readonly type?: string;
  readonly role?: string;
  readonly interface?: string;
  readonly target?: string;
  /** Name of the only provider that may serve the requirement (older `provider` key). */
  readonly provider?: string;
}

/**
 * Accepted forms (docs/pantavisor.md §1.3): a string (the name; target defaults to
 * /run/pv/services/NAME.sock), or an object whose target is `target`, else `socket`, else an
 * `interface` that is an absolute path.
 */
export const requirement = z.union([
  serviceName.transform((name): Requirement => ({ name, target: `/run/pv/services/${name}.sock` })),
  z
    .object({
      name: serviceName,
      type: z.string().optional(),
      role: z.string().optional(),
      interface: z.string().optional(),
      target: z.string().optional(),
      socket: z.string().optional(),
      provider: z.string().optional(),
      ...requirementExtensions.shape,
    })
    .transform(({ socket, target, ...rest }): Requirement => {
      const path =
        target ?? socket ?? (rest.interface?.startsWith("/") ? rest.interface : undefined);
      return withoutUndefined({ ...rest, target: path });
    }),
]);

const seconds = z.number().int().min(0);

/** `<N>`, `<N>s`, `<N>min`, `<N>h`, `reboot` or `never` (docs/pantavisor.md §5.1). */
export const backoffPolicy = z.union([
  z.number().int().min(0).transform(String),
  z.string().regex(/^(reboot|never|\d+(s|min|h)?)$/),
]);

export const autoRecovery = z.object({
  policy: z.enum(["no", "always", "on-failure", "unless-stopped"]).default("no"),
  max_retries: seconds.default(0),
  retry_delay: seconds.default(0),
  backoff_factor: z.number().min(0).default(0),
  reset_window: seconds.default(0),
  stable_timeout: seconds.default(0),
  backoff_policy: backoffPolicy.default("reboot"),
});
export type AutoRecovery = z.infer<typeof autoRecovery>;

/** How long a volume keeps what is written to it, and on which disk of the device it is. */
const storageVolume = z.object({
  persistence: z.string().optional(),
  disk: z.string().optional(),
});
export type StorageVolume = z.infer<typeof storageVolume>;

export const runManifest = z.object({
  name: z.string().min(1),
  type: z.string().default("lxc"),
  config: objectName.optional(),
  "root-volume": objectName.optional(),
  volumes: z.array(objectName).default([]),
  storage: z.record(volumeName, storageVolume).default({}),
  group: z.string().optional(),
  restart_policy: z.enum(["system", "container"]).optional(),
  status_goal: z.enum(["MOUNTED", "STARTED", "READY"]).optional(),
  roles: z.array(z.enum(["mgmt", "nobody"])).optional(),
  auto_recovery: autoRecovery.optional(),
  /** False for a container that gets no /dev/log. */
  "dev-log": z.boolean().optional(),
  drivers: driverNeeds,
  network: containerNetwork.optional(),
  wasm: wasmOptions.optional(),
  services: z
    .object({
      required: z.array(requirement).default([]),
      optional: z.array(requirement).default([]),
    })
    .default({ required: [], optional: [] }),
});
export type RunManifest = z.infer<typeof runManifest>;

/** @throws z.ZodError naming the key that is wrong, or DocumentTooLarge */
export function parseRunManifest(value: unknown): RunManifest {
  checkDocumentSize(value);
  return runManifest.parse(value);
}

function withoutUndefined<T extends object>(
  value: T,
): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as never;
}
