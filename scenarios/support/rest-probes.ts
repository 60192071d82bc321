import { defineContainer } from "../../harness/exports/container-definition.ts";

/**
 * Containers for checks of the rest link that bring their own HTTP programs: a provider that
 * exports `web`, which may change its protocol to `echo`, and `guarded`, which has rules per
 * role; a consumer for each of two roles.
 */
export const WEB_SOCKET = "/run/web/web.sock";
export const GUARDED_SOCKET = "/run/web/guarded.sock";
export const WEB_TARGET = "/run/pv/services/web.sock";
export const GUARDED_TARGET = "/run/pv/services/guarded.sock";

export const restProvider = defineContainer({
  name: "rest-provider",
  args: { PV_RESTART_POLICY: "container" },
  services: [
    { name: "web", type: "rest", socket: WEB_SOCKET, upgrade: ["echo"] },
    {
      name: "guarded",
      type: "rest",
      socket: GUARDED_SOCKET,
      rules: [
        { methods: ["GET", "POST"], path: "/public" },
        { methods: ["GET", "POST"], path: "/state", role: "viewer" },
        { path: "/", role: "admin" },
      ],
    },
  ],
});

export const restViewer = consumer("rest-viewer", "viewer");
export const restAdmin = consumer("rest-admin", "admin");

function consumer(name: string, role: string): ReturnType<typeof defineContainer> {
  return defineContainer({
    name,
    args: {
      PV_RESTART_POLICY: "container",
      PV_SERVICES_REQUIRED: [
        { name: "web", type: "rest", role, target: WEB_TARGET },
        // The rules of this consumer narrow the rules of the export.
        {
          name: "guarded",
          type: "rest",
          role,
          target: GUARDED_TARGET,
          rules: [{ methods: ["GET", "DELETE"] }],
        },
      ],
    },
  });
}
