import * as z from "zod";
import { checkDocumentSize } from "./document-size.ts";
import { exportExtensions } from "./extensions.ts";
import { ownedName } from "./hosted-bus.ts";
import type { OwnedName } from "./hosted-bus.ts";
import { firstTwice, serviceName } from "./names.ts";

/**
 * services.json: what a container exports (docs/pantavisor.md §1.4). Accepted forms: an object with
 * or without `#spec`, and a bare array. Written with `#spec`. Unknown keys are ignored.
 */
export const SERVICES_SPEC = "service-manifest-xconnect@1";

/** Types of which pv-xconnect has a plugin: it refuses links of any other. */
export const PLUGIN_TYPES = ["unix", "rest", "dbus", "drm", "wayland", "input"] as const;
export type PluginType = (typeof PLUGIN_TYPES)[number];

export const serviceExport = z.object({
  name: serviceName,
  type: z.string().min(1),
  /** Absolute path inside the provider: a socket, or a device node for drm and input. */
  socket: z.string().startsWith("/"),
  ...exportExtensions.shape,
});
export type ServiceExport = z.infer<typeof serviceExport>;

/** An entry of services.json: a service, or a name on the bus that pantavisor hosts. */
export type ServicesEntry = ServiceExport | OwnedName;

const servicesEntry = z.unknown().transform((value, context): ServicesEntry => {
  const isName = typeof value === "object" && value !== null && Object.hasOwn(value, "owns");
  const { data, error } = (isName ? ownedName : serviceExport).safeParse(value);
  if (data !== undefined) return data;
  for (const { path, message } of error.issues) {
    context.addIssue({ code: "custom", path, message });
  }
  return z.NEVER;
});

const serviceList = z.array(servicesEntry).superRefine((entries, context) => {
  const exports = entries.filter((one) => !ownsName(one));
  const twice = firstTwice(exports.map(({ name, type }) => `'${name}' of type ${type}`));
  if (twice !== undefined) context.addIssue({ code: "custom", message: `${twice} comes twice` });
});
const servicesDocument = z.object({ services: serviceList });

export function ownsName(entry: ServicesEntry): entry is OwnedName {
  return "owns" in entry;
}

/** @throws z.ZodError naming the key that is wrong, or DocumentTooLarge */
export function parseServices(value: unknown): ServicesEntry[] {
  checkDocumentSize(value);
  return Array.isArray(value) ? serviceList.parse(value) : servicesDocument.parse(value).services;
}
