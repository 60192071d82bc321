import { expect } from "../../harness/facts/expect.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { throughout } from "../../harness/throughout.ts";
import { firstDelays } from "../support/recovery.ts";
import { waitForStatus } from "../support/steps.ts";

const RECOVERY = "pv-example-recovery";
const RANDOM = "pv-example-random";
const SCALE = 50;

/** Crashes at once; its long delay gives time to stop it while RECOVERING. */
const hasty = defineContainer({
  name: "hasty",
  group: "root",
  program: "/usr/bin/false",
  args: {
    PV_RESTART_POLICY: "container",
    PV_AUTO_RECOVERY: {
      policy: "always",
      max_retries: 3,
      retry_delay: 200,
      backoff_policy: "never",
    },
  },
});

/** Has nothing to do with any of it, and must not notice. */
const steady = defineContainer({ name: "steady", args: { PV_RESTART_POLICY: "container" } });

scenario(
  "recovery-backoff",
  {
    // Containers that crash until nobody recovers them.
    expects: { rules: ["recovery-exhausted", "container-in-recovery", "ready-hides-stopped"] },
    summary: "crashed containers are started again with growing delays, until the policy says stop",
    containers: [RECOVERY, RANDOM, hasty, steady],
    timeScale: SCALE,
    // The crashing containers never let the revision rest at READY.
    until: "pv-ctrl",
  },
  ({ check }) => {
    check(
      "life.stop-in-recovery",
      "a stop while RECOVERING is final",
      async ({ appengine, control, signal }) => {
        await waitForStatus(control, "hasty", "RECOVERING", signal);
        expect((await control.act("hasty", "stop")).status, "status of the stop").toBe(200);
        const stopped = await waitForStatus(control, "hasty", "STOPPED", signal);
        expect(stopped.user_stopped, "user_stopped after the stop").toBe("true");
        // The timer would have fired retry_delay / SCALE after the crash: 4 s.
        await throughout(
          5_000,
          async () =>
            expect(
              (await control.container("hasty", signal)).status,
              "status of the container some time after the stop",
            ).toBe("STOPPED"),
          { signal },
        );
        const restarts = (await appengine.log.lines()).filter(({ message }) =>
          message.startsWith("recovery timer finished for platform 'hasty'"),
        );
        expect(restarts, "restarts after the stop").toEqual([]);
      },
    );

    check(
      "rec.parse",
      "the recovery block of run.json shows in /containers",
      async ({ control }) => {
        expect(
          (await control.container(RECOVERY)).auto_recovery,
          "recovery block in /containers",
        ).toMatchObject({
          policy: "on-failure",
          max_retries: 5,
          retry_delay: 5,
          backoff_factor: 2,
          reset_window: 60,
          stable_timeout: 30,
          backoff_policy: "600s",
        });
      },
    );

    check(
      "rec.backoff",
      "delays are retry_delay × factor^(n−1), truncated",
      async ({ appengine, signal }) => {
        await appengine.log.waitFor(new RegExp(`platform '${RECOVERY}' reached max retries`), {
          timeout: 25_000,
          signal,
        });
        expect(
          await firstDelays(appengine.log, RECOVERY),
          "seconds between the recovery attempts",
        ).toEqual([5, 10, 20, 40, 80]);
      },
    );

    check(
      "rec.random",
      "a container that crashes at random is recovered every time",
      async ({ appengine, control, signal }) => {
        await appengine.log.waitFor(
          new RegExp(`platform '${RANDOM}' reached max retries \\(10\\)`),
          {
            timeout: 30_000,
            signal,
          },
        );
        expect(
          await firstDelays(appengine.log, RANDOM),
          "seconds between the recovery attempts",
        ).toEqual([2, 3, 4, 6, 10, 15, 22, 34, 51, 76]);
        await waitForStatus(control, RANDOM, "STOPPED", signal);
      },
    );

    check(
      "rec.exhausted.never",
      "after max_retries with `never` it stays STOPPED and the rest keeps running",
      async ({ appengine, control, signal }) => {
        await appengine.log.waitFor(new RegExp(`platform '${RANDOM}' reached max retries`), {
          timeout: 30_000,
          signal,
        });
        await waitForStatus(control, RANDOM, "STOPPED", signal);
        await throughout(
          2_000,
          async () => {
            const random = await control.container(RANDOM, signal);
            expect(
              [random.status, random.user_stopped],
              "status and user_stopped after the last attempt",
            ).toEqual(["STOPPED", "false"]);
            expect(
              (await control.container("steady", signal)).status,
              "status of the other container",
            ).toBe("STARTED");
          },
          { signal },
        );
      },
    );

    check(
      "rec.exhausted.duration",
      "after max_retries with a duration it starts again with a fresh count",
      async ({ appengine, signal }) => {
        await appengine.log.waitFor(
          new RegExp(`platform '${RECOVERY}' crashed. Attempting auto-recovery \\(attempt 1/5\\)`),
          { count: 2, timeout: 25_000, signal },
        );
      },
    );
  },
);
