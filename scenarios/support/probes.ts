import { defineContainer } from "../../harness/exports/container-definition.ts";

/**
 * Idle containers for checks that bring their own programs: a provider that exports the unix
 * service `probe`, and a consumer that requires it.
 */
export const PROBE_SOCKET = "/run/probe/p.sock";
export const PROBE_TARGET = "/run/pv/services/probe.sock";

export const probeProvider = defineContainer({
  name: "probe-provider",
  args: { PV_RESTART_POLICY: "container" },
  services: [{ name: "probe", type: "unix", socket: PROBE_SOCKET }],
});

export const probeConsumer = defineContainer({
  name: "probe-consumer",
  args: {
    PV_RESTART_POLICY: "container",
    PV_SERVICES_REQUIRED: [{ name: "probe", type: "unix", target: PROBE_TARGET }],
  },
});
