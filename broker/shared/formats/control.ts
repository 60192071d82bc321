import * as z from "zod";

/** Bodies of pv-ctrl (docs/pantavisor.md §3.3, §3.4, §3.5), as clients read them. */
export const CONTAINER_STATUSES = [
  "NONE",
  "INSTALLED",
  "MOUNTED",
  "BLOCKED",
  "STARTING",
  "STARTED",
  "READY",
  "RECOVERING",
  "STOPPING",
  "STOPPED",
] as const;
export type ContainerStatus = (typeof CONTAINER_STATUSES)[number];

/** Booleans travel as the strings "true" and "false" in /containers. */
const textBoolean = z.enum(["true", "false"]);

export const containerBody = z.object({
  name: z.string(),
  group: z.string().nullable(),
  status: z.enum(CONTAINER_STATUSES),
  status_goal: z.enum(["MOUNTED", "STARTED", "READY"]),
  restart_policy: z.enum(["system", "container"]),
  roles: z.array(z.string()),
  /** Recovery state; absent when the policy is `no`. */
  auto_recovery: z
    .object({
      policy: z.string(),
      max_retries: z.number(),
      current_retries: z.number(),
      stable_timeout: z.number(),
      is_stable: textBoolean,
      /** Policy as text: `reboot`, `never` or `<N>s`. */
      backoff_policy: z.string(),
      /** Seconds before the first attempt; absent on 029-32. */
      retry_delay: z.number().optional(),
      backoff_factor: z.number().optional(),
      reset_window: z.number().optional(),
    })
    .optional(),
  /** User's stop flag; present for restart_policy `container` only. */
  user_stopped: textBoolean.optional(),
  /** Why it could last not be started; absent when it could, and on the real 029-32. */
  error: z.string().optional(),
});
export type ContainerBody = z.infer<typeof containerBody>;

export const containersBody = z.array(containerBody);

export const groupBody = z.object({
  name: z.string(),
  status_goal: z.string(),
  restart_policy: z.string(),
  status: z.string(),
  auto_recovery: z
    .object({ max_retries: z.number(), stable_timeout: z.number(), backoff_policy: z.string() })
    .optional(),
});
export type GroupBody = z.infer<typeof groupBody>;
export const groupsBody = z.array(groupBody);

/** A daemon of /daemons; pid 0 means not enabled, -1 stopped. */
export const daemonBody = z.object({ name: z.string(), pid: z.number(), respawn: z.boolean() });
export type DaemonBody = z.infer<typeof daemonBody>;
export const daemonsBody = z.array(daemonBody);

export const driversBody = z.array(
  z.object({
    name: z.string(),
    type: z.enum(["REQUIRED", "OPTIONAL", "MANUAL"]),
    status: z.enum(["LOADED", "UNLOADED", "UNKNOWN"]),
  }),
);
export type DriverBody = z.infer<typeof driversBody>[number];

export const objectsBody = z.array(z.object({ sha256: z.string(), size: z.string() }));

export const stepProgressBody = z.object({
  status: z.string(),
  "status-msg": z.string(),
  progress: z.number(),
  retries: z.number(),
});

/** The body of /steps; a step's `progress` is empty until it has been tried. */
export const stepsBody = z.array(
  z.object({
    name: z.string(),
    date: z.string(),
    commitmsg: z.string(),
    progress: stepProgressBody.partial(),
  }),
);

/** The body of /device-meta and /user-meta: strings, or embedded objects and arrays. */
export const metaBody = z.record(
  z.string(),
  z.union([z.string(), z.record(z.string(), z.unknown()), z.array(z.unknown())]),
);

export const configBody = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean(), z.null()]),
);

export const errorBody = z.object({ Error: z.string() });
