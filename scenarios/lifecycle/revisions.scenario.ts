import { patientSeconds } from "../../harness/appengine/python.ts";
import { expect } from "../../harness/facts/expect.ts";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import { STORAGE } from "../../harness/appengine/layout.ts";
import { reasonOf } from "../../harness/control/control-client.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import {
  command,
  currentState,
  install,
  progress,
  readProgress,
  rolledBack,
} from "../support/revisions.ts";
import type { State } from "../support/revisions.ts";
import { waitForStatus } from "../support/steps.ts";

const SERVER = "pv-example-unix-server";
const CLIENT = "pv-example-unix-client";
const EXTRA = "extra";

/** Runs under a time scale of 100: what takes long here takes a hundredth of it. */
const extra = defineContainer({
  name: EXTRA,
  args: {
    PV_RESTART_POLICY: "container",
    PV_AUTO_RECOVERY: { policy: "always", max_retries: 2, retry_delay: 1, stable_timeout: 20 },
  },
});

scenario(
  "revisions",
  {
    // A client whose server goes away with its revision, and steps that fail.
    expects: { rules: ["broken-pipe", "recovery-exhausted", "required-service-missing"] },
    summary: "an installed step is run, tried, committed or rolled back; links follow",
    containers: [SERVER, CLIENT, extra],
    boot: "auto",
    timeScale: 100,
  },
  ({ check }) => {
    check(
      "life.revision.switch",
      "a step that changes no system part replaces the revision without a reboot",
      async ({ appengine, control, signal }) => {
        const state = await currentState(control, signal);
        const next = {
          ...renamed(state, CLIENT, "second-client"),
          ...state,
          [`${EXTRA}/note.json`]: { version: 2 },
          [`${CLIENT}/note.json`]: { version: 2 },
        };
        await install(control, "locals/two", next, signal);
        // Down is down: it does not matter to what follows who stopped them.
        for (const name of [EXTRA, CLIENT]) await control.stop(name, signal);
        for (const name of [EXTRA, CLIENT]) await waitForStatus(control, name, "STOPPED", signal);
        await command(control, "LOCAL_RUN", "locals/two", signal);
        await progress(control, "locals/two", "UPDATED", signal);
        const statuses = (await control.containers(signal)).map(({ status }) => status);
        expect(statuses, "statuses of the containers at every look").toEqual([
          "STARTED",
          "STARTED",
          "STARTED",
          "STARTED",
        ]);
        expect(await currentState(control, signal), "current state after the switch").toEqual(next);
        expect(
          await control.json("/device-meta", signal),
          "revision and its state in /device-meta",
        ).toMatchObject({
          "pantavisor.revision": "locals/two",
          "pantavisor.status": "READY",
        });
        await linked(appengine, ["second-client", CLIENT], signal);

        const without = Object.entries(state).filter(([key]) => !key.startsWith(`${EXTRA}/`));
        await install(control, "locals/three", Object.fromEntries(without), signal);
        await command(control, "LOCAL_RUN", "locals/three", signal);
        await progress(control, "locals/three", "UPDATED", signal);
        const names = (await control.containers(signal)).map(({ name }) => name);
        expect(names.sort(), "containers after the switch").toEqual([CLIENT, SERVER]);
        await linked(appengine, [CLIENT], signal);
        expect(
          (await appengine.text("lxc-ls -1")).split("\n").filter(Boolean).sort(),
          "containers that lxc-ls lists after the switch",
        ).toEqual(names);
      },
    );

    check(
      "life.revision.unchanged",
      "containers that a step does not change keep running through it",
      async ({ appengine, control, signal }) => {
        const state = await currentState(control, signal);
        await install(
          control,
          "locals/four",
          { ...state, ...renamed(state, CLIENT, "late") },
          signal,
        );
        const before = [await pidOf(appengine, SERVER), await pidOf(appengine, CLIENT)];
        await command(control, "LOCAL_RUN", "locals/four", signal);
        await progress(control, "locals/four", "UPDATED", signal);
        expect(
          [await pidOf(appengine, SERVER), await pidOf(appengine, CLIENT)],
          "pids of the unchanged containers' inits",
        ).toEqual(before);
        expect(await pidOf(appengine, "late"), "pid of the new container's init").not.toBe("");
      },
    );

    check(
      "ctrl.pvtx",
      "pvtx makes a step of the current one; pvcontrol runs it",
      async ({ appengine, control, signal }) => {
        const state = await currentState(control, signal);
        const names = (await control.containers(signal)).map(({ name }) => name);
        const gone = names.find((name) => name !== SERVER && name !== CLIENT) ?? "";
        expect(
          (await appengine.sh("pvtx begin current && pvtx show")).exitCode,
          "exit code of pvtx begin and show",
        ).toBe(0);
        const again = await appengine.sh("pvtx begin empty");
        expect(
          [again.exitCode, again.stderr],
          "exit code and stderr of a second pvtx begin",
        ).toEqual([
          255,
          "pvtx begin empty: a transaction is under way: deploy or abort it first\n",
        ]);
        expect(
          (await appengine.sh(`pvtx remove ${gone}`)).exitCode,
          "exit code of pvtx remove",
        ).toBe(0);
        const local = await appengine.sh("pvtx deploy /tmp/nowhere");
        expect(
          [local.exitCode, local.stderr],
          "exit code and stderr of pvtx deploy of a remote transaction",
        ).toEqual([255, "pvtx deploy /tmp/nowhere: the transaction is remote: commit it\n"]);
        const committed = await appengine.sh("pvtx commit");
        const revision = committed.stdout.trim();
        expect(revision, "name of the revision that pvtx commit printed").toMatch(
          /^locals\/pvtx-\d+-[0-9a-f]{8}-\d+$/,
        );
        expect(
          Object.keys((await control.json(`/steps/${revision}`, signal)) as State),
          "keys of the step that pvtx made",
        ).toEqual(Object.keys(state).filter((key) => !key.startsWith(`${gone}/`)));
        expect(
          (await appengine.sh(`pvcontrol cmd run ${revision}`)).exitCode,
          "exit code of pvcontrol cmd run",
        ).toBe(0);
        await progress(control, revision, "UPDATED", signal);
        expect(
          (await control.containers(signal)).map(({ name }) => name).sort(),
          "containers of the step that pvtx made",
        ).toEqual(names.filter((name) => name !== gone).sort());
        const stdout = await appengine.text(`pvcontrol steps show-progress ${revision}`);
        expect(JSON.parse(stdout), "progress of the step that pvtx made").toMatchObject({
          status: "UPDATED",
          progress: 100,
        });
        expect(
          (await appengine.sh("pvtx commit")).exitCode,
          "exit code of pvtx commit without a transaction",
        ).toBe(11);
        expect(
          (await appengine.sh("pvtx nonsense")).exitCode,
          "exit code of pvtx with an unknown command",
        ).toBe(255);
      },
    );

    check(
      "life.revision.commit",
      "a step is committed when it has been READY for the delay and its containers are stable",
      async ({ bootAppengine, signal }) => {
        const { appengine, control } = await bootAppengine();
        const state = await currentState(control, signal);
        const slow = recovering(state, { stable_timeout: 100_000 });
        await install(control, "locals/slow", slow, signal);
        await command(control, "LOCAL_RUN_COMMIT", "locals/slow", signal);
        await until(
          "the commit to be held",
          async () => {
            const { "status-msg": message } = await readProgress(control, "locals/slow", signal);
            return message === "Waiting for all containers to become stable";
          },
          { signal, timeout: 20_000 },
        );
        expect(await bootFile(appengine), "boot environment before the commit").toBe("pv_rev=0|");
        const other = await control.send("POST", "/commands", {
          body: JSON.stringify({ op: "REBOOT_DEVICE", payload: "" }),
          signal,
        });
        expect(
          [other.status, other.headers["retry-after"]],
          "status and Retry-After of a step during the trial",
        ).toEqual([503, "600"]);
        // A container that was stopped by request does not have to become stable.
        await control.stop(EXTRA, signal);
        await progress(control, "locals/slow", "DONE", signal);
        expect(await bootFile(appengine), "boot environment after the commit").toBe(
          "pv_rev=locals/slow|",
        );

        // In place there is no commit: the reboot tries it once more.
        await install(control, "locals/next", state, signal);
        await command(control, "LOCAL_RUN", "locals/next", signal);
        await progress(control, "locals/next", "UPDATED", signal);
        expect(await bootFile(appengine), "boot environment during the next trial").toBe(
          "pv_rev=locals/slow|pv_try=locals/next|",
        );
        await command(control, "REBOOT_DEVICE", "", signal);
        await progress(control, "locals/next", "DONE", signal);
        expect(await bootFile(appengine), "boot environment after the next commit").toBe(
          "pv_rev=locals/next|",
        );
        expect(
          await control.json("/device-meta", signal),
          "revision in /device-meta",
        ).toMatchObject({
          "pantavisor.revision": "locals/next",
        });
      },
      { timeout: 60_000 },
    );

    check(
      "life.revision.rollback",
      "a step that fails is rolled back, with the reason in its progress",
      async ({ bootAppengine, signal }) => {
        const { appengine, control } = await bootAppengine();
        const state = await currentState(control, signal);
        const run = state[`${EXTRA}/run.json`] as State;
        const lonely = {
          ...state,
          [`${EXTRA}/run.json`]: { ...run, services: { required: [{ name: "nobody-has-it" }] } },
        };
        await install(control, "locals/lonely", lonely, signal);
        const refused = await control.send("POST", "/commands", {
          body: JSON.stringify({ op: "LOCAL_RUN", payload: "locals/lonely" }),
          signal,
        });
        expect(refused.status, "status of the PUT of a step without a provider").toBe(422);
        expect(reasonOf(refused), "reason of the refusal").toContain("nobody-has-it");
        expect(
          await readProgress(control, "locals/lonely", signal),
          "progress of the refused step",
        ).toMatchObject({
          status: "WONTGO",
          "status-msg": expect.stringContaining("nobody-has-it") as string,
        });

        const crashing = {
          ...state,
          [`${EXTRA}/run.json`]: { ...run, config: "no-such-file.conf" },
        };
        await install(control, "locals/crashing", crashing, signal);
        await command(control, "LOCAL_RUN", "locals/crashing", signal);
        const { "status-msg": why } = await progress(control, "locals/crashing", "ERROR", signal);
        expect(why, "reason of the rollback").toContain("A container could not be started");
        await rolledBack(control, "0", signal);
        expect(await bootFile(appengine), "boot environment after the rollback").toBe("pv_rev=0|");
        await linked(appengine, [CLIENT], signal);
      },
      { timeout: 60_000 },
    );

    check(
      "ctrl.steps.failure",
      "the progress of a failed update names the container that could not be started",
      async ({ bootAppengine, signal }) => {
        const { control } = await bootAppengine();
        const state = await currentState(control, signal);
        const run = state[`${EXTRA}/run.json`] as State;
        const broken = { ...state, [`${EXTRA}/run.json`]: { ...run, config: "no-such-file.conf" } };
        await install(control, "locals/named", broken, signal);
        await command(control, "LOCAL_RUN", "locals/named", signal);
        expect(
          await progress(control, "locals/named", "ERROR", signal),
          "progress of the failed update",
        ).toMatchObject({
          "status-msg": `A container could not be started: ${EXTRA}`,
          progress: 0,
        });
      },
      { timeout: 60_000 },
    );

    check(
      "ctrl.steps.logs",
      "the progress of a failed update has what pantavisor.log says is wrong",
      async ({ bootAppengine, signal }) => {
        const { control } = await bootAppengine();
        const state = await currentState(control, signal);
        const run = state[`${EXTRA}/run.json`] as State;
        const broken = { ...state, [`${EXTRA}/run.json`]: { ...run, config: "no-such-file.conf" } };
        await install(control, "locals/logged", broken, signal);
        await command(control, "LOCAL_RUN", "locals/logged", signal);
        const { logs } = await progress(control, "locals/logged", "ERROR", signal);
        expect(logs, "logs of the failed update").toContain(EXTRA);
        expect(String(logs).length, "length of the logs").toBeLessThanOrEqual(4096);
      },
      { timeout: 60_000 },
    );
  },
);

/** The keys of one container under another name. */
function renamed(state: State, from: string, to: string): State {
  const copied = Object.entries(state)
    .filter(([key]) => key.startsWith(`${from}/`))
    .map(([key, value]) => [
      `${to}/${key.slice(from.length + 1)}`,
      key === `${from}/run.json` ? { ...(value as State), name: to } : value,
    ]);
  return Object.fromEntries(copied) as State;
}

function recovering(state: State, change: State): State {
  const run = state[`${EXTRA}/run.json`] as State;
  const auto_recovery = { ...(run["auto_recovery"] as State), ...change };
  return { ...state, [`${EXTRA}/run.json`]: { ...run, auto_recovery } };
}

async function pidOf(appengine: Appengine, container: string): Promise<string> {
  return (await appengine.text(`lxc-info -n ${container} -pH 2>/dev/null`)).trim();
}

async function bootFile(appengine: Appengine): Promise<string> {
  return await appengine.text(`tr '\\0' '|' <${STORAGE}/boot/uboot.txt`);
}

/** Exactly these consumers have the server's socket, and it works. */
async function linked(
  appengine: Appengine,
  consumers: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const graph = await appengine.graph(signal);
  expect(graph.map(({ consumer }) => consumer).sort(), "consumers in the graph").toEqual(
    [...consumers].sort(),
  );
  for (const consumer of consumers) {
    await until(
      `a working socket in ${consumer}`,
      async () => {
        // nc may be ended by its time limit: whether the end of a stream is handed on, other checks judge.
        const { stdout } = await appengine
          .inside(consumer)
          .sh(`echo ping | timeout ${patientSeconds(2)} nc -N -U /run/pv/services/raw-unix.sock`);
        return stdout !== "";
      },
      { signal, timeout: 10_000 },
    );
  }
}
