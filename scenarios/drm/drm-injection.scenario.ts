import { clock } from "../../harness/clock/clock.ts";
import { expect } from "../../harness/facts/expect.ts";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { throughout } from "../../harness/throughout.ts";
import { until } from "../../harness/until.ts";
import {
  complainsAfterRestart,
  restartBroker,
  waitForCrash,
  waitForNewInit,
} from "../support/steps.ts";

const PROVIDER = "pv-example-drm-provider";
const MASTER = "pv-example-drm-master";
const CARD = "/dev/dri/card0";

/** Exports things that no DRM link may carry, under names that look right. */
const impostor = defineContainer({
  name: "impostor",
  args: { PV_RESTART_POLICY: "container" },
  services: [
    { name: "plain-file", type: "drm", socket: "/tmp/card0" },
    { name: "null-device", type: "drm", socket: "/dev/dri/card9" },
  ],
});

const victim = defineContainer({
  name: "victim",
  args: {
    PV_RESTART_POLICY: "container",
    PV_SERVICES_OPTIONAL: [
      { name: "plain-file", type: "drm", target: "/dev/dri/card1" },
      { name: "null-device", type: "drm", target: "/dev/dri/card2" },
    ],
  },
});

/** Its target is on a mount that allows no devices: /run. */
const renderer = defineContainer({
  name: "renderer",
  args: {
    PV_RESTART_POLICY: "container",
    PV_SERVICES_OPTIONAL: [{ name: "drm-master", type: "drm", target: "/run/dri/card0" }],
  },
});

const roleOf = (name: string, role: string) =>
  defineContainer({
    name,
    args: {
      PV_RESTART_POLICY: "container",
      PV_SERVICES_OPTIONAL: [
        { name: "drm-master", type: "drm", role, target: "/dev/dri/card0" },
        { name: "drm-render", type: "drm", role, target: "/dev/dri/renderD128" },
      ],
    },
  });

/** A broker that polls each 5 s may look just after one restart, and hardly after each of these. */
const RESTARTS = 3;

scenario(
  "drm-injection",
  {
    // A denied node, and an example that ends without a device.
    expects: { rules: ["device-denied", "ready-hides-stopped"] },
    summary: "DRM nodes appear in the consumer by class and role, and nothing else does",
    containers: [
      PROVIDER,
      MASTER,
      impostor,
      victim,
      renderer,
      roleOf("as-master", "master"),
      roleOf("as-render", "render"),
    ],
    // The nodes are made by the checks: the machine has no DRM driver.
    until: "ready",
  },
  ({ check }) => {
    check(
      "drm.inject",
      "the consumer's card0 has the provider's numbers and mode",
      async ({ appengine, inside, signal }) => {
        await makeNodes(appengine, signal);
        await exists(inside(MASTER), CARD, signal);
        expect(
          await facts(inside(MASTER), CARD),
          "type, mode and device number of the consumer's card0",
        ).toBe("character special file 640 e2:0");
      },
    );

    check(
      "drm.role.master",
      "role master gets the card node and no render node",
      async ({ appengine, inside, signal }) => {
        await makeNodes(appengine, signal);
        await exists(inside("as-master"), CARD, signal);
        expect(await listing(inside("as-master")), "nodes in /dev/dri of role master").toEqual([
          "card0",
        ]);
      },
    );

    check(
      "drm.role.render",
      "role render gets the render node and no card node",
      async ({ appengine, inside, signal }) => {
        await makeNodes(appengine, signal);
        await exists(inside("as-render"), "/dev/dri/renderD128", signal);
        expect(await listing(inside("as-render")), "nodes in /dev/dri of role render").toEqual([
          "renderD128",
        ]);
      },
    );

    check(
      "drm.not-device",
      "an export that is not a character device is refused",
      async ({ appengine, inside, signal }) => {
        await makeNodes(appengine, signal);
        expect(
          await listing(inside("victim")),
          "nodes in /dev/dri of a consumer of a file that is no device",
        ).not.toContain("card1");
      },
    );

    check(
      "drm.major",
      "a device of another major is refused, whatever its name",
      async ({ appengine, inside, signal }) => {
        await makeNodes(appengine, signal);
        expect(
          await listing(inside("victim")),
          "nodes in /dev/dri of a consumer of a device of another major",
        ).not.toContain("card2");
      },
    );

    check(
      "drm.restart",
      "the node is back within 1 s of a consumer restart",
      async ({ appengine, control, inside, signal }) => {
        await makeNodes(appengine, signal);
        await exists(inside(MASTER), CARD, signal);
        for (let turn = 0; turn < RESTARTS; turn++) {
          const before = await inside(MASTER).pid();
          await control.restart(MASTER, signal);
          await waitForNewInit(inside(MASTER), before, signal);
          const watch = clock.stopwatch();
          await exists(inside(MASTER), CARD, signal);
          expect(watch.given, "ms from the restart until the node is back").toBeLessThan(1_000);
        }
        expect(
          await facts(inside(MASTER), CARD),
          "type, mode and device number of card0 after the restart",
        ).toBe("character special file 640 e2:0");
      },
    );

    check(
      "drm.denied.mount",
      "a node on a mount that allows no devices is diagnosed by name",
      async ({ appengine, signal }) => {
        await makeNodes(appengine, signal);
        await complainsAfterRestart(appengine, [["/run/dri/card0"]], signal);
      },
    );

    check(
      "drm.denied.cgroup",
      "a node that the device cgroup denies is diagnosed by name",
      async ({ appengine, control, inside, signal, skip }) => {
        await makeNodes(appengine, signal);
        const denied = await appengine.sh("lxc-cgroup -n as-master devices.deny 'c 226:* rwm'");
        if (denied.exitCode !== 0) {
          skip(`this machine's device cgroup cannot be set (${denied.stderr.trim()})`);
        }
        const opened = await inside("as-master").sh(`: <${CARD}`);
        expect(opened.stderr, "error of opening the node in the container").toContain(
          "not permitted",
        );
        await complainsAfterRestart(appengine, [["as-master", CARD]], signal);
        // Others are not denied, and nothing is said of them.
        const lines = (await appengine.log.lines()).map(({ message }) => message);
        expect(
          lines.filter((line) => /as-render.*denie/.test(line)),
          "complaints about a device cgroup that denies nothing",
        ).toEqual([]);
        expect(
          (await control.act("as-master", "restart")).status,
          "status of the restart of the consumer",
        ).toBe(200);
        await exists(inside("as-render"), "/dev/dri/renderD128", signal);
      },
    );

    check("drm.removed", "the node leaves with the link", async (context) => {
      const { appengine, control, inside, signal } = context;
      await makeNodes(appengine, signal);
      await exists(inside(MASTER), CARD, signal);
      expect(
        (await control.act(PROVIDER, "stop")).status,
        "status of the stop of the provider",
      ).toBe(200);
      await until(
        "the node to be gone",
        async () => (await inside(MASTER).sh(`test -e ${CARD}`)).exitCode !== 0,
        { signal, timeout: 8_000 },
      );
      expect(
        await listing(inside("as-render")),
        "nodes in /dev/dri after the provider's stop",
      ).toEqual([]);
    });

    // Last: an appengine that breaks the promise takes the others' down.
    check(
      "drm.policy",
      "a DRM example that crashes does not take the system along",
      async ({ appengine, control, inside, signal }) => {
        const pantavisor = await pantavisorPid(appengine);
        const before = await inside(MASTER).pid();
        await appengine.text(`kill -KILL ${before}`);
        const isDown = async () => (await pantavisorPid(appengine)) !== pantavisor;
        await waitForCrash(control, MASTER, isDown, signal);
        await throughout(
          1_500,
          async () =>
            expect(await pantavisorPid(appengine), "pid of pantavisor after the crash").toBe(
              pantavisor,
            ),
          { signal, every: 100 },
        );
        expect(
          (await control.container("as-render", signal)).status,
          "status of the other consumer after the crash",
        ).toBe("STARTED");
      },
    );
  },
);

/** The nodes of the provider, and what the impostor has instead; once in a container's life. */
async function makeNodes(appengine: Appengine, signal: AbortSignal): Promise<void> {
  const [provider, impostor] = [appengine.inside(PROVIDER), appengine.inside("impostor")];
  const made = await provider.sh(`test "$(stat -c %t:%T ${CARD})" = e2:0`);
  if (made.exitCode === 0 && (await impostor.sh("test -e /dev/dri/card9")).exitCode === 0) return;
  await provider.text(
    `mkdir -p /dev/dri; rm -f /dev/dri/*; mknod -m 640 ${CARD} c 226 0; mknod -m 666 /dev/dri/renderD128 c 226 128`,
  );
  await impostor.text(
    "echo secret >/tmp/card0; mkdir -p /dev/dri; test -e /dev/dri/card9 || mknod /dev/dri/card9 c 1 3",
  );
  await restartBroker(appengine, signal);
}

function exists(container: InsideContainer, path: string, signal: AbortSignal): Promise<boolean> {
  return until(
    `${path} in ${container.name}`,
    async () => (await container.sh(`test -e ${path}`)).exitCode === 0,
    { signal, timeout: 8_000 },
  );
}

/** Type, permission bits and device numbers (hexadecimal), as stat in the consumer sees them. */
async function facts(container: InsideContainer, path: string): Promise<string> {
  return (await container.text(`stat -c '%F %a %t:%T' ${path}`)).trim();
}

async function listing(container: InsideContainer): Promise<string[]> {
  const stdout = await container.text("ls /dev/dri 2>/dev/null; :");
  return stdout.split("\n").filter((name) => name !== "");
}

async function pantavisorPid(appengine: Appengine): Promise<string> {
  const { exitCode, stdout } = await appengine.sh("pgrep -o -x pantavisor");
  return exitCode === 0 ? stdout.trim() : "none";
}
