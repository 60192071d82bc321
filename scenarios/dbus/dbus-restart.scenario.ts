import { expect } from "../../harness/facts/expect.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { pythonFile } from "../../harness/appengine/python.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { labelsAt, serveLabels } from "../support/labels.ts";
import { PROBE_SOCKET, PROBE_TARGET, probeConsumer, probeProvider } from "../support/probes.ts";
import { Program } from "../support/program.ts";
import { commandOf, runningBroker, waitForNewInit } from "../support/steps.ts";

const BUS = "pv-example-dbus-server";
/** Its link is the last of the graph: a broker that frees the old one frees nothing behind it. */
const CLIENT = "waiting-client";
const CONNECTIONS = 20;

const client = defineContainer({
  name: CLIENT,
  args: {
    PV_RESTART_POLICY: "container",
    PV_SERVICES_REQUIRED: [
      { name: "system-bus", role: "root", target: "/run/dbus/system_bus_socket" },
    ],
  },
});

scenario(
  "dbus-restart",
  {
    summary: "a bus restarts under connections that have not authenticated",
    containers: [BUS, client, probeProvider, probeConsumer],
  },
  ({ check }) => {
    check(
      "dbus.restart",
      "who authenticates on a connection older than the bus is served or ended, and pv-xconnect lives",
      async ({ appengine, control, inside, signal }) => {
        await using server = await serveLabels(inside("probe-provider"), {
          [PROBE_SOCKET]: "probe",
        });
        await using early = await Program.python(
          inside(CLIENT),
          pythonFile(import.meta.dirname, "early_connections.py", CONNECTIONS),
        );
        expect(await early.line(20_000), "first line of the client").toBe("open");
        const broker = await until("pv-xconnect to run", () => runningBroker(appengine, signal), {
          signal,
          timeout: 10_000,
        });
        const before = await inside(BUS).pid();
        const { status } = await control.act(BUS, "restart");
        expect(status, "status of the restart of the bus").toBe(200);
        await waitForNewInit(inside(BUS), before, signal);
        early.say("restarted");
        expect(await early.line(30_000), "a new connection after the restart is").toBe("served");
        const fates = (await early.json(30_000)) as string[];
        expect(
          (await commandOf(appengine, broker)).includes("pv-xconnect"),
          "pv-xconnect lives after clients authenticated on connections older than their provider's restart",
        ).toBe(true);
        expect(
          fates.filter((fate) => !["served", "ended"].includes(fate)),
          "connections older than their provider's restart that neither serve nor end after AUTH",
        ).toEqual([]);
        const others = await labelsAt(inside("probe-consumer"), [PROBE_TARGET]);
        expect(others[PROBE_TARGET], "provider at the socket of another link").toBe("probe");
        for (const program of [early, server]) program.say("end");
      },
      { timeout: 60_000 },
    );
  },
);
