import { pythonFile } from "../../harness/appengine/python.ts";
import { expect } from "../../harness/facts/expect.ts";
import { askBroker } from "../../harness/appengine/ask-broker.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { appenginePython } from "../support/appengine-python.ts";
import { labelsAt, serveLabels } from "../support/labels.ts";
import { brokerPrints, complainsAfterRestart, waitForStatus } from "../support/steps.ts";

const args = { PV_RESTART_POLICY: "container" };
const LONG = `/run/${"deep/".repeat(40)}`;
const LONG_SOCKET = `${LONG}${"s".repeat(60)}.sock`;
const LONG_TARGET = `${LONG}${"t".repeat(60)}.sock`;
const NEAR = "/run/pv/services/near.sock";
const READ_ONLY = "/frozen/x.sock";
/** /run of a container is a tmpfs that allows no devices. */
const NODEV = "/run/dri/card0";

const things = defineContainer({
  name: "things",
  args,
  services: [
    { name: "near", type: "unix", socket: "/run/things/near.sock" },
    { name: "far", type: "unix", socket: LONG_SOCKET },
    { name: "card", type: "drm", socket: "/dev/dri/card0" },
    { name: "beam", type: "teleport", socket: "/run/things/beam.sock" },
  ],
});
const user = defineContainer({
  name: "user",
  args: {
    ...args,
    PV_SERVICES_OPTIONAL: [
      { name: "beam", target: "/run/pv/services/beam.sock" },
      { name: "near", target: NEAR },
      { name: "far", target: LONG_TARGET },
    ],
  },
});
const unlucky = defineContainer({
  name: "unlucky",
  args: {
    ...args,
    PV_SERVICES_OPTIONAL: [
      { name: "near", target: READ_ONLY },
      { name: "card", target: NODEV },
    ],
  },
});

scenario(
  "xconnect-injection",
  {
    expects: { rules: ["socket-not-injected", "path-too-long"] },
    summary: "targets that are hard to reach or cannot be, and plugins that come when needed",
    containers: [things, user, unlucky],
    // Two links cannot work, as they should not.
    until: "ready",
  },
  ({ check }) => {
    check(
      "xc.plugin-missing",
      "a link of an unknown type is skipped with a clear line, and the others work",
      async ({ appengine, inside, signal }) => {
        await using server = await serveLabels(inside("things"), {
          "/run/things/near.sock": "near",
        });
        const labels = await until(
          "the other link to work",
          async () => {
            const found = await labelsAt(inside("user"), [NEAR]);
            return found[NEAR] === "near" && found;
          },
          { signal, timeout: 8_000 },
        );
        expect(labels, "providers at the sockets").toEqual({ [NEAR]: "near" });
        expect(await inside("user").text("ls /run/pv/services"), "sockets in the consumer").toBe(
          "near.sock\n",
        );
        await brokerPrints(appengine, /^No plugin found for type (teleport|unknown)/, signal);
        server.say("end");
      },
    );

    check(
      "xc.plugin-on-demand",
      "a plugin is loaded with its first link, and told of each link once",
      async ({ appengine, control, signal, skip }) => {
        if ((await askBroker(appengine, signal)) === undefined)
          return skip("this broker does not tell which plugins it has loaded");
        const before = await until(
          "the unix plugin to know its links",
          async () => {
            const status = await askBroker(appengine, signal);
            return status?.plugins["unix"]?.added === 3 && status;
          },
          { signal, timeout: 8_000 },
        );
        // The drm link cannot work, so it has not been added: its plugin has been asked for.
        expect(before.plugins, "links that each plugin was told of, before the stop").toEqual({
          unix: { added: 3, removed: 0 },
          drm: { added: 0, removed: 0 },
        });
        expect(
          (await control.act("user", "stop")).status,
          "status of the stop of the consumer",
        ).toBe(200);
        await waitForStatus(control, "user", "STOPPED", signal);
        const after = await until(
          "the links to be gone",
          async () => {
            const status = await askBroker(appengine, signal);
            return status?.links.every(({ consumer }) => consumer !== "user") === true && status;
          },
          { signal, timeout: 8_000 },
        );
        expect(after.plugins["unix"], "links that the plugin was told of, after the stop").toEqual({
          added: 3,
          removed: 2,
        });
        expect(
          (await control.act("user", "start")).status,
          "status of the start of the consumer",
        ).toBe(200);
        await waitForStatus(control, "user", "STARTED", signal);
      },
    );

    check(
      "xc.inject.long-path",
      `paths of ${LONG_TARGET.length} bytes work on both sides`,
      async ({ inside, signal }) => {
        await using server = await serveLabels(inside("things"), { [LONG_SOCKET]: "far" });
        await until(
          "the socket to answer",
          async () => (await labelsAt(inside("user"), [LONG_TARGET]))[LONG_TARGET] === "far",
          { signal, timeout: 5_000 },
        );
        server.say("end");
      },
    );

    check(
      "xc.inject.readonly",
      "a target on a read-only or nodev mount is a clear error, by name, and in the diagnosis",
      async ({ appengine, inside, signal }) => {
        await inside("things").text(
          "mkdir -p /dev/dri; rm -f /dev/dri/card0; mknod /dev/dri/card0 c 226 0",
        );
        const mounted = await inside("unlucky").sh(
          "mkdir -p /frozen && mount -t tmpfs -o ro none /frozen",
        );
        expect(mounted, "outcome of the mount").toMatchObject({ exitCode: 0 });
        await complainsAfterRestart(appengine, [[READ_ONLY], [NODEV]], signal);
        const status = await askBroker(appengine, signal);
        const errors = status?.links
          .filter(({ consumer }) => consumer === "unlucky")
          .map(({ name, lastError }) => [name, lastError?.message ?? ""]);
        if (errors !== undefined) {
          expect(
            Object.fromEntries(errors),
            "errors of the links in the broker's status",
          ).toMatchObject({
            near: expect.stringMatching(/EROFS/) as string,
            card: expect.stringMatching(/no devices/) as string,
          });
        }
      },
    );

    check(
      "xc.pid-reuse",
      "a process that gets a dead consumer's pid gets nothing that was meant for that",
      async ({ appengine, signal, skip }) => {
        if ((await askBroker(appengine, signal)) === undefined) {
          return skip("this broker cannot be given another pv-ctrl");
        }
        const reuse = await appenginePython(
          appengine,
          pythonFile(import.meta.dirname, "pid_reuse.py"),
        );
        // In a pid namespace of its own: otherwise another process that the appengine starts at
        // that moment may get the pid.
        const stdout = await appengine.text(`unshare --pid --fork --mount-proc ${reuse}`, {
          timeout: 25_000,
        });
        expect(
          JSON.parse(stdout),
          "planting in the first process, in the one that got its pid, and whether the pid was the same",
        ).toEqual({
          plantedInFirst: true,
          samePid: true,
          plantedInSecond: false,
        });
      },
    );
  },
);
