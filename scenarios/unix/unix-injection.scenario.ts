import { patientSeconds } from "../../harness/appengine/python.ts";
import { clock } from "../../harness/clock/clock.ts";
import { posix } from "node:path";
import { expect } from "../../harness/facts/expect.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { labelsAt, serveLabels } from "../support/labels.ts";
import { PROBE_SOCKET, PROBE_TARGET, probeConsumer, probeProvider } from "../support/probes.ts";
import { restartBroker, waitForNewInit, waitForStatus } from "../support/steps.ts";

const SERVER = "pv-example-unix-server";
const CLIENT = "pv-example-unix-client";
const TARGET = "/run/pv/services/raw-unix.sock";
const EARLY_TARGET = "/run/early/probe.sock";

/** Is in the graph, and never has a process. */
const mountedOnly = defineContainer({
  name: "mounted-only",
  args: {
    PV_STATUS_GOAL: "MOUNTED",
    PV_SERVICES_REQUIRED: [{ name: "probe", target: EARLY_TARGET }],
  },
});

/** A broker that polls each 5 s may look just after one restart, and hardly after each of these. */
const RESTARTS = 3;

scenario(
  "unix-injection",
  {
    summary:
      "the provider's socket appears in the consumer, where it was asked for and nowhere else",
    containers: [SERVER, CLIENT, probeProvider, probeConsumer, mountedOnly],
    shares: "unix",
  },
  ({ check }) => {
    check(
      "graph.shape",
      "the graph names both peers with their real init pids",
      async ({ appengine, inside }) => {
        const link = (await appengine.graph()).find(({ consumer }) => consumer === CLIENT);
        expect(link, "link in the graph").toMatchObject({
          type: "unix",
          name: "raw-unix",
          consumer: CLIENT,
          provider: SERVER,
          role: "any",
          socket: "/run/example/raw.sock",
          target: TARGET,
          consumer_pid: await inside(CLIENT).pid(),
          provider_pid: await inside(SERVER).pid(),
        });
      },
    );

    check(
      "xc.inject.socket",
      "a socket, mode 0666, root's, in the consumer only",
      async ({ appengine, inside }) => {
        const stdout = await inside(CLIENT).text(`stat -c '%F %a %u:%g' ${TARGET}`);
        expect(stdout.trim(), "type, mode and owner of the injected socket").toBe("socket 666 0:0");
        expect(
          (await inside(SERVER).sh(`ls ${TARGET}`)).exitCode,
          "exit code of ls on the target in the provider",
        ).not.toBe(0);
        expect(
          (await appengine.sh(`ls ${TARGET}`)).exitCode,
          "exit code of ls on the target in the appengine",
        ).not.toBe(0);
      },
    );

    check(
      "unix.roundtrip",
      "64 KiB go to the server and come back unharmed",
      async ({ inside }) => {
        const { stdout } = await inside(CLIENT).sh(
          `head -c 65536 /dev/urandom >/tmp/sent
          socat -t ${patientSeconds(5)} - UNIX-CONNECT:${TARGET} </tmp/sent >/tmp/back
          cmp /tmp/sent /tmp/back 2>&1 && echo same`,
          { timeout: 10_000 },
        );
        expect(stdout.trim(), "64 KiB that came back, beside those sent").toBe("same");
      },
    );

    check(
      "xc.inject.before-start",
      "a consumer that does not run leaves nothing on the appengine's own file system",
      async ({ appengine, control, signal }) => {
        expect(
          (await control.act(CLIENT, "stop")).status,
          "status of the stop of the consumer",
        ).toBe(200);
        await waitForStatus(control, CLIENT, "STOPPED", signal);
        const targets = [TARGET, EARLY_TARGET];
        const folders = targets.map((path) => posix.dirname(path)).join(" ");
        await appengine.text(`mkdir -p ${folders}`);
        await restartBroker(appengine, signal);
        const ownFiles = (await appengine.text(`ls -d ${targets.join(" ")} 2>/dev/null; :`)).trim();
        await appengine.text(
          `rm -f ${targets.join(" ")}; rmdir -p --ignore-fail-on-non-empty ${folders}`,
        );
        expect(
          (await control.act(CLIENT, "start")).status,
          "status of the start of the consumer",
        ).toBe(200);
        await waitForStatus(control, CLIENT, "STARTED", signal);
        expect(ownFiles, "targets on the appengine's own file system").toBe("");
      },
    );

    check(
      "xc.inject.symlink",
      "symlinks of a provider or a consumer never lead out of its own root",
      async ({ appengine, inside, signal }) => {
        {
          // The link works while its provider's socket is one.
          await using server = await serveLabels(inside("probe-provider"), {
            [PROBE_SOCKET]: "probe",
          });
          await until(
            "the provider to answer",
            async () =>
              (await labelsAt(inside("probe-consumer"), [PROBE_TARGET]))[PROBE_TARGET] === "probe",
            { signal, timeout: 10_000 },
          );
          server.say("end");
        }
        await inside("probe-provider").text(`ln -sfn /run/pantavisor/pv/pv-ctrl ${PROBE_SOCKET}`);
        const request = "GET /buildinfo HTTP/1.0\\r\\n\\r\\n";
        const answer = await inside("probe-consumer").sh(
          `printf '${request}' | timeout ${patientSeconds(2)} socat -t ${patientSeconds(1)} - UNIX-CONNECT:${PROBE_TARGET}; :`,
          { timeout: 10_000 },
        );
        expect(answer.stdout, "answer at the socket behind a symlink to pv-ctrl").not.toContain(
          "HTTP/1",
        );

        await appengine.text("mkdir -p /mnt/trap");
        await inside("probe-consumer").text(
          "rm -rf /run/pv/services; mkdir -p /run/pv; ln -s /mnt/trap /run/pv/services",
        );
        await restartBroker(appengine, signal);
        expect(
          await appengine.text("ls -A /mnt/trap"),
          "files in the trap outside of the consumer's root",
        ).toBe("");
        await appengine.text("rmdir /mnt/trap");
      },
    );

    check(
      "xc.restart.consumer",
      "after a consumer restart the socket is back and works within 1 s",
      async ({ control, inside, signal }) => {
        const ask = `echo again | socat -t ${patientSeconds(1)} - UNIX-CONNECT:${TARGET}`;
        for (let turn = 0; turn < RESTARTS; turn++) {
          const before = await inside(CLIENT).pid();
          await control.restart(CLIENT, signal);
          await waitForNewInit(inside(CLIENT), before, signal);
          await waitForStatus(control, CLIENT, "STARTED", signal);
          const watch = clock.stopwatch();
          await until(
            "the socket to be back",
            async () => (await inside(CLIENT).text(ask)) === "again\n",
            { signal, timeout: 8_000 },
          );
          expect(watch.given, "ms from the restart until the socket works").toBeLessThan(1_000);
        }
      },
    );
  },
);
