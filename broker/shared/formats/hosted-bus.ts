import * as z from "zod";
import { isWellKnownName } from "./bus-name.ts";
import type { GraphEntry } from "./graph.ts";
import { safeName } from "./names.ts";

/** The system bus that pantavisor hosts itself (docs/pantavisor.md §6.7). */
export const HOSTED_BUS = {
  /** Provider of its links; a container of this name is refused beside it. */
  provider: "_pv_",
  name: "system-bus",
  /** Path in the appengine. */
  socket: "/run/pv/dbus/system_bus_socket",
} as const;

/** Role of a requirement that names none. */
export const NO_ROLE = "any";

/** Most roles that one name is for. */
const MOST_ROLES = 256;

const role = safeName.refine((text) => text !== NO_ROLE, "stands for no role");
const bare = z.never("has no place beside owns").optional();

/**
 * An entry of services.json by which a container owns a name on the hosted bus. The owner connects
 * with `role`, and the roles in `allow` may talk to the name. The bus is a service of pantavisor,
 * so the entry has neither name nor socket, and no rules of its own.
 */
export const ownedName = z
  .object({
    type: z.literal("dbus", "must be dbus beside owns"),
    bus: z.literal(HOSTED_BUS.name, `must be ${HOSTED_BUS.name}`).default(HOSTED_BUS.name),
    owns: z
      .string()
      .refine(isWellKnownName, "is not a bus name")
      .refine((name) => !/^org\.freedesktop\.DBus(\.|$)/.test(name), "is a name of the bus itself"),
    /** Role of the owner; default: the name. */
    role: role.optional(),
    allow: z.array(role).max(MOST_ROLES).default([]),
    ...{ name: bare, socket: bare, rules: bare, fds: bare },
  })
  .transform((entry) => ({ ...entry, role: entry.role ?? entry.owns }))
  .refine((entry) => role.safeParse(entry.role).success, {
    path: ["role"],
    error: "is needed, for the name is too long for one",
  });
export type OwnedName = z.infer<typeof ownedName>;

/** True for an entry that pantavisor has written for its own bus: no container gets a `uid`. */
export function isOfHostedBus({ provider, socket, type, uid }: GraphEntry): boolean {
  const { provider: host, socket: path } = HOSTED_BUS;
  return provider === host && socket === path && type === "dbus" && uid !== undefined;
}
