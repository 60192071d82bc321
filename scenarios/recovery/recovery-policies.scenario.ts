import { expect } from "../../harness/facts/expect.ts";
import type { ContainerDefinition } from "../../harness/exports/container-definition.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import type { JsonObject } from "../../harness/exports/json-value.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { throughout } from "../../harness/throughout.ts";
import { until } from "../../harness/until.ts";
import { attemptsOf } from "../support/recovery.ts";
import { waitForStatus } from "../support/steps.ts";

const STABILIZE = "pv-example-stabilize";
const CLEANEXIT = "pv-example-cleanexit";
const SCALE = 50;
/** Longer than every retry_delay of this scenario, in real milliseconds. */
const LONG_ENOUGH = 1_500;

function recovering(name: string, program: string, recovery: JsonObject): ContainerDefinition {
  return defineContainer({
    name,
    group: "root",
    program,
    args: { PV_RESTART_POLICY: "container", PV_AUTO_RECOVERY: recovery },
  });
}

/** Ends at once and without a failure. */
const tireless = recovering("tireless", "/usr/bin/true", { policy: "always", retry_delay: 25 });
/** Ends without a failure, 5 s after each start. */
const faithful = recovering("faithful", "/usr/bin/pv-cleanexit", {
  policy: "unless-stopped",
  retry_delay: 25,
});
/** Fails 10 s after each start: longer than one window, shorter than the other. */
const failing = (name: string, reset_window: number): ContainerDefinition =>
  recovering(name, "/usr/bin/pv-recovery", {
    policy: "on-failure",
    max_retries: 2,
    retry_delay: 5,
    reset_window,
    backoff_policy: "never",
  });
const steady = recovering("steady", "/usr/lib/pv-example/idle", {
  policy: "on-failure",
  max_retries: 5,
  retry_delay: 5,
});

scenario(
  "recovery-policies",
  {
    expects: { rules: ["recovery-exhausted", "container-in-recovery", "ready-hides-stopped"] },
    summary: "each policy restarts what it says, and nothing that the user has stopped",
    containers: [
      STABILIZE,
      CLEANEXIT,
      tireless,
      failing("windowed", 2),
      failing("counted", 3600),
      steady,
    ],
    timeScale: SCALE,
    // The crashing containers never let the revision rest at READY.
    until: "pv-ctrl",
  },
  ({ check }) => {
    check(
      "rec.policy.on-failure",
      "exit 0 is not a failure",
      async ({ appengine, control, signal }) => {
        const ended = await waitForStatus(control, CLEANEXIT, "STOPPED", signal);
        expect(ended, "the container that ended with 0, in /containers").toMatchObject({
          user_stopped: "false",
          auto_recovery: { current_retries: 0 },
        });
        await throughout(
          LONG_ENOUGH,
          async () =>
            expect(
              (await control.container(CLEANEXIT, signal)).status,
              "status of the container that ended with 0",
            ).toBe("STOPPED"),
          { signal },
        );
        expect(
          await attemptsOf(appengine.log, CLEANEXIT),
          "recovery attempts after an end with 0",
        ).toEqual([]);
      },
    );

    check(
      "rec.policy.always",
      "it is started again after any exit",
      async ({ appengine, signal }) => {
        await until(
          "three attempts to start a container that exits 0",
          async () => (await attemptsOf(appengine.log, "tireless")).length >= 3,
          { signal, timeout: 10_000, every: 100 },
        );
      },
    );

    check(
      "rec.reset-window",
      "a run longer than reset_window clears the count",
      async ({ appengine, signal }) => {
        const numbers = async (name: string): Promise<number[]> =>
          (await attemptsOf(appengine.log, name)).map(({ attempt }) => attempt);
        await until(
          "four crashes of the one and two of the other",
          async () =>
            (await numbers("windowed")).length >= 4 && (await numbers("counted")).length >= 2,
          { signal, timeout: 10_000, every: 100 },
        );
        expect(
          new Set(await numbers("windowed")),
          "numbers of the attempts after runs longer than reset_window",
        ).toEqual(new Set([1]));
        expect(
          await numbers("counted"),
          "numbers of the attempts after runs shorter than reset_window",
        ).toEqual([1, 2]);
      },
    );

    check(
      "rec.stable",
      "surviving stable_timeout sets is_stable and logs STABLE",
      async ({ appengine, control, signal }) => {
        const isStable = async (): Promise<string | undefined> =>
          (await control.container(STABILIZE, signal)).auto_recovery?.is_stable;
        const wait = { signal, timeout: 10_000 };
        const attempts = async (): Promise<number[]> =>
          (await attemptsOf(appengine.log, STABILIZE)).map(({ attempt }) => attempt);
        await until("three attempts", async () => (await attempts()).length >= 3, wait);
        await until("it to be stable", async () => (await isStable()) === "true", wait);
        expect(await attempts(), "numbers of the attempts before the container was stable").toEqual(
          [1, 2, 3],
        );
        const stableLines = async (): Promise<number> =>
          (await appengine.log.lines()).filter(({ message }) =>
            message.startsWith(`platform '${STABILIZE}' is now STABLE`),
          ).length;
        const before = await stableLines();
        expect(before, "lines that say STABLE before the wait").toBeGreaterThan(0);
        await control.stop(STABILIZE, signal);
        await waitForStatus(control, STABILIZE, "STOPPED", signal);
        expect(await isStable(), "is_stable before stable_timeout").toBe("false");
        const started = performance.now();
        await control.start(STABILIZE, signal);
        await until("it to be stable again", async () => (await isStable()) === "true", wait);
        expect(
          performance.now() - started,
          "ms from the start until is_stable, on the appengine's clock",
        ).toBeGreaterThanOrEqual(15_000 / SCALE);
        expect(await stableLines(), "lines that say STABLE after the wait").toBe(before + 1);
      },
    );

    check(
      "rec.user-stop",
      "an API stop disables recovery; start restores it",
      async ({ appengine, control, inside, signal }) => {
        expect((await control.act("steady", "stop")).status, "status of the stop").toBe(200);
        await waitForStatus(control, "steady", "STOPPED", signal);
        await throughout(
          LONG_ENOUGH,
          async () =>
            expect(
              (await control.container("steady", signal)).status,
              "status of the container some time after the stop",
            ).toBe("STOPPED"),
          { signal },
        );
        expect(
          await attemptsOf(appengine.log, "steady"),
          "recovery attempts after the stop",
        ).toEqual([]);
        expect((await control.act("steady", "start")).status, "status of the start").toBe(200);
        await waitForStatus(control, "steady", "STARTED", signal);
        await appengine.text(`kill -KILL ${await inside("steady").pid()}`);
        await until(
          "its crash to be recovered from",
          async () => (await attemptsOf(appengine.log, "steady")).length === 1,
          { signal, timeout: 5_000 },
        );
        await waitForStatus(control, "steady", "STARTED", signal);
      },
    );

    check(
      "rec.policy.unless-stopped",
      "it is started again after any exit, unless the user stopped it",
      async ({ bootAppengine, signal }) => {
        // An appengine of its own: where its exit is taken for the end of all, no other check sees it.
        const { appengine, control } = await bootAppengine({ containers: [faithful] });
        const attempts = async (): Promise<number> =>
          (await attemptsOf(appengine.log, "faithful")).length;
        const wait = { signal, timeout: 10_000, every: 100 };
        await until("two attempts", async () => (await attempts()) >= 2, wait);
        await control.stop("faithful", signal);
        await waitForStatus(control, "faithful", "STOPPED", signal);
        const before = await attempts();
        await throughout(
          LONG_ENOUGH,
          async () =>
            expect(
              (await control.container("faithful", signal)).status,
              "status of the container after the user's stop",
            ).toBe("STOPPED"),
          { signal },
        );
        expect(await attempts(), "recovery attempts after the user's stop").toBe(before);
        await control.start("faithful", signal);
        await until("an attempt after the start", async () => (await attempts()) > before, wait);
      },
    );
  },
);
