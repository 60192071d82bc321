import { expect } from "../../harness/facts/expect.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { attemptsOf, firstDelays } from "../support/recovery.ts";
import { waitForStatus } from "../support/steps.ts";

/** Has no recovery of its own: group app's is on-failure, 5 retries, then reboot. */
const CRASHING = "pv-example-app-crash";

/** Does not want what its group offers. */
const optedOut = defineContainer({
  name: "opted-out",
  group: "app",
  program: "/usr/bin/false",
  args: { PV_AUTO_RECOVERY: { policy: "no" } },
});

scenario(
  "recovery-reboot",
  {
    // Containers that crash until their appengine reboots.
    expects: {
      errors: [/platform 'pv-example-app-crash' did not work as expected/],
      rules: [
        "container-crash-reboots",
        "recovery-exhausted",
        "container-in-recovery",
        "ready-hides-stopped",
      ],
    },
    summary: "a group's recovery is inherited, and its backoff policy reboots the appengine",
    containers: [CRASHING, optedOut],
    timeScale: 50,
    // The crashing containers never let the revision rest at READY.
    until: "pv-ctrl",
  },
  ({ check }) => {
    check(
      "rec.group",
      "a group's recovery block is inherited; an explicit `no` opts out",
      async ({ appengine, control, signal }) => {
        expect(
          (await control.container(CRASHING, signal)).auto_recovery,
          "recovery block that the container inherits",
        ).toMatchObject({
          policy: "on-failure",
          max_retries: 5,
          stable_timeout: 30,
          backoff_policy: "reboot",
        });
        const out = await waitForStatus(control, "opted-out", "STOPPED", signal);
        expect(out, "the container that opted out, in /containers").not.toHaveProperty(
          "auto_recovery",
        );
        await until(
          "the inherited recovery to be used up",
          async () => (await attemptsOf(appengine.log, CRASHING)).length >= 5,
          { signal, timeout: 15_000, every: 100 },
        );
        expect(
          await firstDelays(appengine.log, CRASHING),
          "seconds between the recovery attempts",
        ).toEqual([5, 10, 20, 40, 80]);
        expect(
          await attemptsOf(appengine.log, "opted-out"),
          "recovery attempts of the container that opted out",
        ).toEqual([]);
      },
    );

    check(
      "rec.exhausted.reboot",
      "after max_retries with `reboot` the appengine reboots once and comes back",
      async ({ appengine, control, signal }) => {
        await appengine.log.waitFor(/^backoff_policy=reboot/, { signal, timeout: 10_000 });
        const launches = async (): Promise<number> =>
          (await appengine.output()).match(/launching pantavisor/g)?.length ?? 0;
        await until("a second launch", async () => (await launches()) > 1, {
          signal,
          timeout: 10_000,
        });
        await waitForStatus(control, CRASHING, "STARTED", signal);
        expect(await launches(), "launches of pantavisor").toBe(2);
      },
    );
  },
);
