import type { JsonObject } from "../../harness/exports/json-value.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";

/** Where the provider listens for a service, and where the consumer finds it. */
export const socketOf = (name: string) => `/run/probe/${name}.sock`;
export const targetOf = (name: string) => `/run/pv/services/${name}.sock`;

/** A container that exports unix services with these manifest extensions, by name. */
export function messageProvider(name: string, services: Readonly<Record<string, JsonObject>>) {
  return defineContainer({
    name,
    args: { PV_RESTART_POLICY: "container" },
    services: Object.entries(services).map(([service, extensions]) => ({
      name: service,
      type: "unix",
      socket: socketOf(service),
      ...extensions,
    })),
  });
}

/** A container that requires unix services with these keys, by name. */
export function messageConsumer(name: string, services: Readonly<Record<string, JsonObject>>) {
  return defineContainer({
    name,
    args: {
      PV_RESTART_POLICY: "container",
      PV_SERVICES_REQUIRED: Object.entries(services).map(([service, keys]) => ({
        name: service,
        type: "unix",
        target: targetOf(service),
        ...keys,
      })),
    },
  });
}
