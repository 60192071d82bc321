import { expect } from "vitest";
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
        expect(await control.container(SERVER)).toEqual({
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
        expect(await control.container("system-thing")).not.toHaveProperty("user_stopped");
      },
    );

    check(
      "life.stop",
      "stop stops, sets user_stopped, and nothing restarts it",
      async ({ appengine, control, signal }) => {
        expect((await control.act(SERVER, "stop")).status).toBe(200);
        const stopped = await waitForStatus(control, SERVER, "STOPPED", signal);
        expect(stopped.user_stopped).toBe("true");
        // A crash would be answered in retry_delay = 5 s: watch for longer than that.
        await throughout(
          6_000,
          async () => expect((await control.container(SERVER, signal)).status).toBe("STOPPED"),
          { signal, every: 100 },
        );
        expect((await appengine.text(`lxc-info -n ${SERVER} -s -H`)).trim()).toBe("STOPPED");
      },
    );

    check(
      "life.start",
      "start runs it again and clears user_stopped",
      async ({ control, inside, signal }) => {
        if ((await control.container(SERVER, signal)).status !== "STOPPED") {
          expect((await control.act(SERVER, "stop")).status).toBe(200);
          await waitForStatus(control, SERVER, "STOPPED", signal);
        }
        expect((await control.act(SERVER, "start")).status).toBe(200);
        const started = await waitForStatus(control, SERVER, "STARTED", signal);
        expect(started.user_stopped).toBe("false");
        expect(await inside(SERVER).pid()).toBeGreaterThan(0);
      },
    );

    check(
      "life.restart",
      "restart gives a new init process and ends at STARTED",
      async ({ control, inside, signal }) => {
        const before = await inside(SERVER).pid();
        expect((await control.act(SERVER, "restart")).status).toBe(200);
        await waitForNewInit(inside(SERVER), before, signal);
        const restarted = await waitForStatus(control, SERVER, "STARTED", signal);
        expect(restarted.user_stopped).toBe("false");
      },
    );

    check(
      "life.protected",
      "a system container answers 403 to all three and keeps running",
      async ({ control, inside }) => {
        const before = await inside("system-thing").pid();
        for (const action of ["stop", "start", "restart"] as const) {
          const reply = await control.act("system-thing", action);
          expect([reply.status, reasonOf(reply)]).toEqual([
            403,
            "Container has restart_policy 'system' and cannot be controlled via API",
          ]);
        }
        expect(await inside("system-thing").pid()).toBe(before);
      },
    );

    check("life.unknown", "an unknown container is 404, a bad action 400", async ({ control }) => {
      expect((await control.act("nonexistent", "stop")).status).toBe(404);
      for (const body of ['{"action":"explode"}', '{"action":7}', "{}", "[]", "hello"]) {
        const reply = await control.send("PUT", `/containers/${SERVER}`, { body });
        expect([body, reply.status]).toEqual([body, 400]);
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
        expect(stopped.status).toBe(200);
        expect(took).toBeLessThan(soon);
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
        expect(Math.max(...times)).toBeLessThan(soon);
      },
    );

    check(
      "ctrl.tools.pvcontrol",
      "pvcontrol lists and controls, in both spellings, with exit codes",
      async ({ appengine, control, signal }) => {
        for (const noun of ["container", "containers"]) {
          const list = await appengine.sh(`pvcontrol ${noun} ls`);
          expect(list.exitCode).toBe(0);
          expect(JSON.parse(list.stdout)).toHaveLength(4);
          expect((await appengine.sh(`pvcontrol ${noun} stop ${SERVER}`)).exitCode).toBe(0);
          await waitForStatus(control, SERVER, "STOPPED", signal);
          expect((await appengine.sh(`pvcontrol ${noun} start ${SERVER}`)).exitCode).toBe(0);
          await waitForStatus(control, SERVER, "STARTED", signal);
        }
        expect((await appengine.sh("pvcontrol container stop nonexistent")).exitCode).not.toBe(0);
      },
    );
  },
);
