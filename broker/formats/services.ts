import { z } from "zod";
import { exportExtensions } from "./extensions.ts";

/**
 * services.json: what a container exports (facts §1.4, §0.3). Accepted forms: an object with
 * or without `#spec`, and a bare array. Written with `#spec`. Unknown keys are ignored.
 */
export const SERVICES_SPEC = "service-manifest-xconnect@1";

export const SERVICE_TYPES = ["rest", "dbus", "unix", "drm", "wayland", "input"] as const;
export type ServiceType = (typeof SERVICE_TYPES)[number];

export const serviceExport = z.object({
  name: z.string().min(1),
  type: z.string().min(1),
  /** Absolute path inside the provider: a socket, or a device node for drm and input. */
  socket: z.string().startsWith("/"),
  ...exportExtensions.shape,
});
export type ServiceExport = z.infer<typeof serviceExport>;

const servicesDocument = z.union([
  z.array(serviceExport),
  z.object({ services: z.array(serviceExport) }).transform((document) => document.services),
]);

/** @throws z.ZodError naming the key that is wrong */
export function parseServices(value: unknown): ServiceExport[] {
  return servicesDocument.parse(value);
}
