import { expect } from "../../harness/facts/expect.ts";
import type { ControlClient } from "../../harness/control/control-client.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { throughout } from "../../harness/throughout.ts";
import { until } from "../../harness/until.ts";
import { waitForCrash, waitForStatus } from "../support/steps.ts";

const APP = "pv-example-app";

/** Comes back two seconds after a crash. */
const recovering = defineContainer({
  name: "recovering",
  group: "root",
  args: {
    PV_RESTART_POLICY: "container",
    PV_AUTO_RECOVERY: { policy: "on-failure", max_retries: 3, retry_delay: 2 },
  },
});
/** Group root offers no recovery: a crash is the end of it. */
const fragile = defineContainer({
  name: "fragile",
  group: "root",
  args: { PV_RESTART_POLICY: "container" },
});

scenario(
  "lifecycle-crash",
  {
    expects: { rules: ["ready-hides-stopped"] },
    summary: "a crash takes READY away, and takes nothing else down",
    containers: [APP, recovering, fragile],
    until: "ready",
  },
  ({ check }) => {
    check(
      "life.ready-drop",
      "the revision leaves READY while a container is down by a crash",
      async ({ appengine, control, inside, signal }) => {
        await waitForRevision(control, "READY", signal);
        await appengine.text(`kill -KILL ${await inside("recovering").pid()}`);
        await waitForRevision(control, "RECOVERING", signal);
        await waitForRevision(control, "READY", signal);
        await appengine.log.waitFor(/^state revision '0' status is now RECOVERING$/, {
          signal,
          timeout: 1_000,
        });

        await appengine.text(`kill -KILL ${await inside("fragile").pid()}`);
        await waitForRevision(control, "STOPPED", signal);
        expect(
          (await control.container("fragile", signal)).user_stopped,
          "user_stopped of the crashed container",
        ).toBe("false");
        await control.start("fragile", signal);
        await waitForRevision(control, "READY", signal);

        // Down because the user wants it so: nothing is wrong with the revision.
        await control.stop("fragile", signal);
        await waitForStatus(control, "fragile", "STOPPED", signal);
        expect(
          await revisionStatus(control, signal),
          "status of the revision after the recovery",
        ).toBe("READY");
        await control.start("fragile", signal);
        await waitForStatus(control, "fragile", "STARTED", signal);
      },
    );

    check(
      "life.restart-policy.crash",
      "a crash of a `container` policy container does not reboot the system",
      async ({ appengine, control, inside, signal }) => {
        for (const name of [APP, "fragile"]) await waitForStatus(control, name, "STARTED", signal);
        const other = await inside(APP).pid();
        await appengine.text(`kill -KILL ${await inside("fragile").pid()}`);
        const launches = async () =>
          (await appengine.output()).match(/launching pantavisor/g)?.length ?? 0;
        await waitForCrash(control, "fragile", async () => (await launches()) > 1, signal);
        expect(await launches(), "launches of pantavisor until the crash was seen").toBe(1);
        await waitForStatus(control, "fragile", "STOPPED", signal);
        await throughout(
          1_000,
          async () => {
            expect(
              (await control.container("fragile", signal)).status,
              "status of the container that crashed",
            ).toBe("STOPPED");
            expect(await inside(APP).pid(), "pid of the other container's init").toBe(other);
          },
          { signal },
        );
        expect(await launches(), "launches of pantavisor").toBe(1);
      },
    );
  },
);

async function revisionStatus(control: ControlClient, signal: AbortSignal): Promise<unknown> {
  const meta = (await control.json("/device-meta", signal)) as Record<string, unknown>;
  return meta["pantavisor.status"];
}

async function waitForRevision(
  control: ControlClient,
  status: string,
  signal: AbortSignal,
): Promise<void> {
  await until(
    `the revision to be ${status}`,
    async () => {
      const found = await revisionStatus(control, signal);
      if (found !== status) throw new Error(`it is ${JSON.stringify(found)}`);
      return true;
    },
    { signal, timeout: 8_000 },
  );
}
