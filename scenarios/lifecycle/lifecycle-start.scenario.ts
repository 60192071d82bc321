import { patientSeconds } from "../../harness/appengine/python.ts";
import { expect } from "../../harness/facts/expect.ts";
import type { ContainerDefinition } from "../../harness/exports/container-definition.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import type { JsonObject } from "../../harness/exports/json-value.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { throughout } from "../../harness/throughout.ts";
import { until } from "../../harness/until.ts";
import { INNER_CONTROL_SOCKET } from "../support/control-probe.ts";
import { stateExport } from "../support/state-export.ts";
import { waitForStatus } from "../support/steps.ts";

const ask = () =>
  `curl -s --max-time ${patientSeconds(3)} --unix-socket ${INNER_CONTROL_SOCKET} http://localhost`;

/** Seconds; long enough to see who waits. */
const SHORT_TIMEOUT = 2;

/** A device of three groups: the first gets all the time it wants, the second little. */
const DEVICE = {
  groups: [
    { name: "first", status_goal: "READY", restart_policy: "container", timeout: 60 },
    { name: "second", status_goal: "READY", restart_policy: "container", timeout: SHORT_TIMEOUT },
    { name: "third", status_goal: "STARTED", restart_policy: "container", timeout: 60 },
  ],
};
// In another order than their groups'.
const members = ["third", "second", "first"].map((group) =>
  defineContainer({ name: `in-${group}`, group }),
);

/** `always` is what every kernel has: an alias without modules. */
const DRIVERS = {
  "#spec": "driver-aliases@1",
  all: { always: [], absent: ["no_such_module"] },
};
const driven = (name: string, drivers: JsonObject): ContainerDefinition =>
  defineContainer({
    name,
    group: "root",
    args: {
      PV_RESTART_POLICY: "container",
      ...Object.fromEntries(Object.entries(drivers).map(([key, v]) => [`PV_DRIVERS_${key}`, v])),
    },
  });
const wanting = [
  driven("satisfied", { REQUIRED: ["always"], OPTIONAL: ["absent", "nameless"], MANUAL: ["late"] }),
  driven("unnamed", { REQUIRED: ["always", "nameless"] }),
  driven("unserved", { REQUIRED: ["absent"] }),
];

scenario(
  "lifecycle-start",
  {
    summary: "containers start in the order of their groups, and with their drivers or not at all",
    boot: "none",
  },
  ({ check }) => {
    check(
      "life.groups.order",
      "a group waits for the one before to reach its goal or to time out",
      async ({ bootAppengine, signal }) => {
        await using device = await stateExport({ "device.json": DEVICE });
        const { control, appengine } = await bootAppengine({
          containers: members,
          exports: [device.path],
          until: "pv-ctrl",
        });
        await waitForStatus(control, "in-first", "STARTED", signal);
        const statuses = async (): Promise<Record<string, string>> =>
          Object.fromEntries(
            (await control.containers(signal)).map(({ name, status }) => [name, status]),
          );
        // Longer than the second group's own timeout: it does not even begin to count.
        await throughout(
          (SHORT_TIMEOUT + 1) * 1_000,
          async () =>
            expect(
              await statuses(),
              "statuses of the containers before the first group is ready",
            ).toEqual({
              "in-first": "STARTED",
              "in-second": "BLOCKED",
              "in-third": "BLOCKED",
            }),
          { signal, every: 100 },
        );
        const ready = `${ask()}/signal -d '{"type":"ready"}'`;
        expect(
          (await appengine.inside("in-first").sh(ready)).exitCode,
          "exit code of the ready signal of the first group",
        ).toBe(0);
        const second = await until(
          "the second group to start",
          async () => {
            const now = await statuses();
            return now["in-second"] === "STARTED" && now;
          },
          { signal, timeout: 5_000 },
        );
        expect(second, "statuses of the containers after the first group is ready").toMatchObject({
          "in-first": "READY",
          "in-third": "BLOCKED",
        });
        // It never says that it is ready; the third does not wait for ever.
        await waitForStatus(control, "in-third", "STARTED", signal);
        expect(
          (await control.container("in-second", signal)).status,
          "status of the second group's container",
        ).toBe("STARTED");
      },
    );

    check(
      "life.drivers",
      "a missing required driver stops the start by name; an optional one is tolerated",
      async ({ bootAppengine, signal }) => {
        await using device = await stateExport({ "bsp/drivers.json": DRIVERS });
        const { control, appengine } = await bootAppengine({
          containers: wanting,
          exports: [device.path],
          until: "pv-ctrl",
        });
        await waitForStatus(control, "satisfied", "STARTED", signal);
        for (const [container, driver] of [
          ["unnamed", "nameless"],
          ["unserved", "absent"],
        ] as const) {
          await waitForStatus(control, container, "STOPPED", signal);
          await appengine.log.waitFor(
            new RegExp(`platform '${container}' .*required driver '${driver}'`),
            { signal, timeout: 1_000 },
          );
        }
        const inside = appengine.inside("satisfied");
        const drivers = async (): Promise<unknown> =>
          JSON.parse(await inside.text(`${ask()}/drivers`));
        const listed = [
          { name: "always", type: "REQUIRED", status: "LOADED" },
          { name: "absent", type: "OPTIONAL", status: "UNLOADED" },
          { name: "nameless", type: "OPTIONAL", status: "UNKNOWN" },
          { name: "late", type: "MANUAL", status: "UNKNOWN" },
        ];
        expect(await drivers(), "drivers after the boot").toEqual(listed);
        const put = (path: string): Promise<string> =>
          inside.text(`${ask()}/drivers/${path} -X PUT -o /dev/null -w '%{http_code}'`);
        expect(await put("always/unload"), "status of an unload of a driver").toBe("200");
        expect(await drivers(), "drivers after the unload").toEqual([
          { ...listed[0], status: "UNLOADED" },
          ...listed.slice(1),
        ]);
        expect(await put("always/load"), "status of a load of a driver").toBe("200");
        expect(await drivers(), "drivers after the load").toEqual(listed);
        expect(await put("absent/load"), "status of a load of a missing driver").toBe("400");
        expect(await put("load"), "status of a load of all drivers").toBe("400");
        // The appengine itself has none.
        expect(
          await control.json("/drivers", signal),
          "drivers after the container's stop",
        ).toEqual({});
      },
    );
  },
);
