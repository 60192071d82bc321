import { expect } from "../../harness/facts/expect.ts";
import { reasonOf } from "../../harness/control/control-client.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { throughout } from "../../harness/throughout.ts";
import { until } from "../../harness/until.ts";
import { waitForNewInit, waitForStatus } from "../support/steps.ts";

const SERVER = "pv-example-unix-server";

/** Group root has restart_policy system: the API must leave it alone. */
const protectedContainer = defineContainer({ name: "system-thing", group: "root" });
/** Its main process is ended by no signal but KILL. */
const STUBBORN = "pv-example-stubborn";

scenario(
  "container-control",
  {
    summary: "the API starts, stops and restarts containers, and says no where it must",
    containers: [SERVER, "pv-example-unix-client", protectedContainer, STUBBORN],
  },
  ({ check }) => {
    check(
      "ctrl.containers.shape",
      "/containers says all that is documented of each container",
      async ({ control }) => {
        expect(await control.container(SERVER), `${SERVER} in /containers`).toEqual({
          name: SERVER,
          group: "app",
          status: "STARTED",
          status_goal: "STARTED",
          restart_policy: "container",
          roles: ["mgmt"],
          auto_recovery: expect.objectContaining({
            policy: "on-failure",
            max_retries: 5,
            current_retries: 0,
            stable_timeout: 30,
            is_stable: expect.stringMatching(/^(true|false)$/) as string,
            backoff_policy: "reboot",
          }) as object,
          user_stopped: "false",
        });
        expect(
          await control.container("system-thing"),
          "the system container in /containers",
        ).not.toHaveProperty("user_stopped");
      },
    );

    check(
      "life.stop",
      "stop stops, sets user_stopped, and nothing restarts it",
      async ({ appengine, control, signal }) => {
        expect((await control.act(SERVER, "stop")).status, "status of the stop").toBe(200);
        const stopped = await waitForStatus(control, SERVER, "STOPPED", signal);
        expect(stopped.user_stopped, "user_stopped after the stop").toBe("true");
        // A crash would be answered in retry_delay = 5 s: watch for longer than that.
        await throughout(
          6_000,
          async () =>
            expect(
              (await control.container(SERVER, signal)).status,
              "status of the container some time after the stop",
            ).toBe("STOPPED"),
          { signal, every: 100 },
        );
        expect(
          (await appengine.text(`lxc-info -n ${SERVER} -s -H`)).trim(),
          "state of the container in lxc-info",
        ).toBe("STOPPED");
      },
    );

    check(
      "life.start",
      "start runs it again and clears user_stopped",
      async ({ control, inside, signal }) => {
        if ((await control.container(SERVER, signal)).status !== "STOPPED") {
          expect((await control.act(SERVER, "stop")).status, "status of the stop").toBe(200);
          await waitForStatus(control, SERVER, "STOPPED", signal);
        }
        expect((await control.act(SERVER, "start")).status, "status of the start").toBe(200);
        const started = await waitForStatus(control, SERVER, "STARTED", signal);
        expect(started.user_stopped, "user_stopped after the start").toBe("false");
        expect(
          await inside(SERVER).pid(),
          "pid of the container's init after the start",
        ).toBeGreaterThan(0);
      },
    );

    check(
      "life.restart",
      "restart gives a new init process and ends at STARTED",
      async ({ control, inside, signal }) => {
        const before = await inside(SERVER).pid();
        expect((await control.act(SERVER, "restart")).status, "status of the restart").toBe(200);
        await waitForNewInit(inside(SERVER), before, signal);
        const restarted = await waitForStatus(control, SERVER, "STARTED", signal);
        expect(restarted.user_stopped, "user_stopped after the restart").toBe("false");
      },
    );

    check(
      "life.protected",
      "a system container answers 403 to all three and keeps running",
      async ({ control, inside }) => {
        const before = await inside("system-thing").pid();
        for (const action of ["stop", "start", "restart"] as const) {
          const reply = await control.act("system-thing", action);
          expect(
            [reply.status, reasonOf(reply)],
            "status and reason of an action on a system container",
          ).toEqual([
            403,
            "Container has restart_policy 'system' and cannot be controlled via API",
          ]);
        }
        expect(
          await inside("system-thing").pid(),
          "pid of the system container's init after the refusals",
        ).toBe(before);
      },
    );

    check("life.unknown", "an unknown container is 404, a bad action 400", async ({ control }) => {
      expect(
        (await control.act("nonexistent", "stop")).status,
        "status of a stop of an unknown container",
      ).toBe(404);
      for (const body of ['{"action":"explode"}', '{"action":7}', "{}", "[]", "hello"]) {
        const reply = await control.send("PUT", `/containers/${SERVER}`, { body });
        expect([body, reply.status], "status of PUT /containers with this body").toEqual([
          body,
          400,
        ]);
      }
    });

    check(
      "life.async",
      "a stop that needs force ends in 15 s and never blocks the API",
      async ({ control, signal }) => {
        const timed = async <T>(ask: () => Promise<T>): Promise<[answer: T, ms: number]> => {
          const begun = performance.now();
          return [await ask(), performance.now() - begun];
        };
        const look = () => timed(() => control.container(STUBBORN, signal));
        const [, usual] = await look();
        // However busy the machine is, it was so before; a stop by force takes 5 s.
        const soon = 2 * usual + 2_500;
        const [stopped, took] = await timed(() => control.act(STUBBORN, "stop"));
        expect(stopped.status, "status of a stop that needs force").toBe(200);
        expect(took, "ms that the reply to the stop took").toBeLessThan(soon);
        const times: number[] = [];
        await until(
          `${STUBBORN} to be STOPPED`,
          async () => {
            const [{ status }, ms] = await look();
            times.push(ms);
            return status === "STOPPED";
          },
          { signal, timeout: 15_000, every: 100 },
        );
        expect(Math.max(...times), "ms of the slowest reply of the API meanwhile").toBeLessThan(
          soon,
        );
      },
    );

    check(
      "ctrl.log.words",
      "pantavisor.log says how a container was stopped, which command was refused, and the cgroups",
      async ({ appengine, control, signal }) => {
        const wait = { signal, timeout: 10_000 };
        await control.send("PUT", `/containers/${SERVER}`, { body: '{"action":"stop"}', signal });
        await appengine.log.waitFor(
          new RegExp(`platform '${SERVER}' exited during lenient stop`),
          wait,
        );
        await control.send("PUT", `/containers/${SERVER}`, { body: '{"action":"start"}', signal });
        await control.send("POST", "/commands", {
          body: '{"op":"GO_REMOTE","payload":""}',
          signal,
        });
        await appengine.log.waitFor(/rejecting GO_REMOTE command: /, wait);
        await appengine.log.waitFor(/cgroup version detected 'CGROUP_UNIFIED'/, wait);
        await control.send("PUT", `/objects/${"a".repeat(64)}`, { body: "no such hash", signal });
        await appengine.log.waitFor(/incoming data: 12 bytes/, wait);
        await appengine.log.waitFor(/object \S+ has bad checksum/, wait);
      },
    );

    check(
      "ctrl.tools.pvcontrol",
      "pvcontrol lists and controls, in both spellings, with exit codes",
      async ({ appengine, control, signal }) => {
        for (const noun of ["container", "containers"]) {
          const list = await appengine.sh(`pvcontrol ${noun} ls`);
          expect(list.exitCode, "exit code of pvcontrol containers ls").toBe(0);
          expect(JSON.parse(list.stdout), "containers that pvcontrol lists").toHaveLength(4);
          expect(
            (await appengine.sh(`pvcontrol ${noun} stop ${SERVER}`)).exitCode,
            `exit code of pvcontrol ${noun} stop`,
          ).toBe(0);
          await waitForStatus(control, SERVER, "STOPPED", signal);
          expect(
            (await appengine.sh(`pvcontrol ${noun} start ${SERVER}`)).exitCode,
            `exit code of pvcontrol ${noun} start`,
          ).toBe(0);
          await waitForStatus(control, SERVER, "STARTED", signal);
        }
        expect(
          (await appengine.sh("pvcontrol container stop nonexistent")).exitCode,
          "exit code of pvcontrol for an unknown container",
        ).not.toBe(0);
      },
    );
  },
);
