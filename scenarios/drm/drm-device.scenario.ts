import { expect } from "../../harness/facts/expect.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { restartBroker } from "../support/steps.ts";

const PROVIDER = "pv-example-drm-provider";
const TARGET = "/dev/dri/card0";

const viewer = defineContainer({
  name: "viewer",
  args: {
    PV_RESTART_POLICY: "container",
    PV_SERVICES_OPTIONAL: [{ name: "drm-master", type: "drm", target: TARGET }],
  },
});

scenario(
  "drm-device",
  {
    summary: "a graphics card of this machine, used through a link",
    containers: [PROVIDER, viewer],
    requires: ["drm"],
    until: "ready",
  },
  ({ check }) => {
    check("drm.usable", "the node opens in the consumer", async ({ appengine, inside, signal }) => {
      const card = "mkdir -p /dev/dri; [ -e /dev/dri/card0 ] || mknod /dev/dri/card0 c 226 0";
      await inside(PROVIDER).text(card);
      await restartBroker(appengine, signal);
      await until(
        "the node in the consumer",
        async () => (await inside("viewer").sh(`test -c ${TARGET}`)).exitCode === 0,
        { signal, timeout: 8_000 },
      );
      const opened = await inside("viewer").sh(`: <>${TARGET}`);
      expect(opened, "outcome of open() on the node in the consumer").toMatchObject({
        exitCode: 0,
      });
    });
  },
);
