import { createHash } from "node:crypto";
import { expect } from "../../harness/facts/expect.ts";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import type { ControlClient } from "../../harness/control/control-client.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { command, currentState, progress } from "../support/revisions.ts";
import type { State } from "../support/revisions.ts";
import { waitForStatus } from "../support/steps.ts";

const APP = "pvr-app";
const OTHER = "pvr-other";
const BROKEN = "pvr-broken";

/** As pvr exports an image of Docker with volumes, configured and signed. */
const exported = {
  args: { PV_RESTART_POLICY: "container", PV_AUTO_RECOVERY: { policy: "no" } },
  volumes: { "/var/lib/kept": "permanent", "/var/lib/rev": "revision", "/scratch": "boot" },
  config: {
    "etc/app/app.conf": "first\n",
    "etc/app/dropped.conf": "dropped\n",
    "etc/hostname": "",
  },
  signed: true,
} as const;

const broken = defineContainer({
  name: BROKEN,
  args: {
    PV_RESTART_POLICY: "container",
    PV_AUTO_RECOVERY: { policy: "always", retry_delay: 60 },
  },
  volumes: { "/data": "permanent" },
});

/** Less than a start may take before it is given up: a mount that fails is known at once. */
const START_SOON = 8_000;
/** Milliseconds for an update of both containers. */
const UPDATE = 30_000;

scenario(
  "pvr-export",
  {
    summary: "an export as pvr writes it: volumes, configuration and signature, and its update",
    containers: [
      defineContainer({ name: APP, ...exported }),
      defineContainer({ name: OTHER, ...exported }),
      broken,
    ],
    boot: "auto",
    // A container whose volume is missing fails its check, not the boot.
    until: "pv-ctrl",
    timeScale: 100,
  },
  ({ check }) => {
    check(
      "life.volumes.made",
      "every volume of the export is where its container wants it, and can be written to",
      async ({ inside, control, signal }) => {
        for (const name of [APP, OTHER]) {
          await waitForStatus(control, name, "STARTED", signal);
          const script = `for path in ${Object.keys(exported.volumes).join(" ")}; do
            grep -c " $path " /proc/1/mountinfo; echo here >$path/probe; stat -c %a $path; done`;
          const { stdout, exitCode } = await inside(name).sh(script, { signal });
          expect(
            [name, stdout, exitCode],
            `volumes of ${name}: mounts, modes, and the exit code of a write`,
          ).toEqual([name, "1\n755\n1\n755\n1\n1777\n", 0]);
        }
      },
    );

    check(
      "life.config",
      "the files of the state lie over the container's root",
      async ({ inside, signal }) => {
        for (const name of [APP, OTHER]) {
          const script = `cat /etc/app/app.conf; stat -c '%a %u:%g' /etc/app/app.conf /etc/app
            [ -s /etc/passwd ] && [ ! -s /etc/hostname ] && echo over`;
          const { stdout } = await inside(name).sh(script, { signal });
          expect([name, stdout], `files of the state in the root of ${name}`).toEqual([
            name,
            "first\n644 0:0\n755 0:0\nover\n",
          ]);
        }
      },
    );

    check(
      "life.volumes.persistence",
      "boot volumes are new after a restart, revision volumes after an update, permanent ones never",
      async ({ appengine, control, signal }) => {
        await mark(appengine, "one", signal);
        for (const name of [APP, OTHER]) {
          await control.stop(name, signal);
          await waitForStatus(control, name, "STOPPED", signal);
          await control.start(name, signal);
          await waitForStatus(control, name, "STARTED", signal);
        }
        expect(
          await marks(appengine, "one", signal),
          "marks that are left after a restart",
        ).toEqual(["/var/lib/kept", "/var/lib/rev"]);

        const { revision } = await update(appengine, control, signal);
        expect(
          await marks(appengine, "one", signal),
          "marks that are left after an update",
        ).toEqual(["/var/lib/kept"]);
        await mark(appengine, "two", signal);
        await command(control, "REBOOT_DEVICE", "", signal);
        await progress(control, revision, "DONE", signal, UPDATE);
        expect(await marks(appengine, "two", signal), "marks that are left after a reboot").toEqual(
          ["/var/lib/kept", "/var/lib/rev"],
        );
      },
      { timeout: 60_000 },
    );

    check(
      "life.export.update",
      "pvtx replaces an export whole: what its signature owned and the new one lacks is gone",
      async ({ appengine, control, signal }) => {
        const { state } = await update(appengine, control, signal);
        expect(
          Object.keys(state).filter((key) => key.startsWith(`_config/${APP}/`)),
          "files that the export owns after its update",
        ).toEqual([`_config/${APP}/etc/app/app.conf`]);
        for (const key of ["_dm/root.squashfs.json", "root.squashfs.hash", "more.squashfs"]) {
          expect(Object.keys(state), "keys of the state").toContain(`${APP}/${key}`);
        }
        const { stdout } = await appengine
          .inside(APP)
          .sh("ls /etc/app; cat /etc/app/app.conf; ls /var/lib/kept", { signal });
        expect(stdout, "files of the container after the update").toMatch(/^app\.conf\nsecond\n/);
        const images = await appengine.sh(`ls /volumes/${APP}/more.squashfs/etc/passwd`, {
          signal,
        });
        expect(images.exitCode, "exit code of the look at the images").toBe(0);

        const removed = await appengine.sh(
          `pvtx abort; pvtx begin current && pvtx remove _sigs/${APP}.json && pvtx show; pvtx abort`,
          { signal },
        );
        const left = Object.keys(JSON.parse(removed.stdout) as State);
        expect(
          left.filter((key) => key.includes(APP)),
          "keys of the removed export that are left",
        ).toEqual([]);
        expect(left, "keys that are left").toContain(`_config/${OTHER}/etc/app/app.conf`);
      },
      { timeout: 40_000 },
    );

    check(
      "life.start.error",
      "a container whose volume is missing says so in the log and in /containers",
      async ({ bootAppengine, signal }) => {
        const { appengine, control } = await bootAppengine({ containers: [broken] });
        const state = await currentState(control, signal);
        const run = state[`${BROKEN}/run.json`] as State;
        const body = JSON.stringify({ ...state, [`${BROKEN}/run.json`]: { ...run, storage: {} } });
        expect(
          (await control.send("PUT", "/steps/locals/broken", { body, signal })).status,
          "status of the PUT of the broken step",
        ).toBe(200);
        const start = JSON.stringify({ op: "LOCAL_RUN", payload: "locals/broken" });
        await control.send("POST", "/commands", { body: start, signal });
        await appengine.log.waitFor(/^platform 'pvr-broken' suddenly stopped \(.*docker--data/, {
          revision: "locals/broken",
          signal,
          timeout: START_SOON,
        });
        const { error = "none" } = await control.container(BROKEN, signal);
        expect(error, "error of the container in /containers").toMatch(/docker--data/);
      },
    );
  },
);

const PATHS = Object.keys(exported.volumes);

async function mark(appengine: Appengine, name: string, signal: AbortSignal): Promise<void> {
  for (const container of [APP, OTHER]) {
    const script = PATHS.map((path) => `touch ${path}/${name}`).join(" && ");
    expect(
      (await appengine.inside(container).sh(script, { signal })).exitCode,
      "exit code of the script in the container",
    ).toBe(0);
  }
}

/** The volumes that still have a mark, which have to be the same in both containers. */
async function marks(appengine: Appengine, name: string, signal: AbortSignal): Promise<string[]> {
  const script = `for path in ${PATHS.join(" ")}; do [ ! -e $path/${name} ] || echo $path; done`;
  const [one, other] = await Promise.all(
    [APP, OTHER].map(async (container) => {
      const { stdout } = await appengine.inside(container).sh(script, { signal });
      return stdout.split("\n").filter(Boolean);
    }),
  );
  expect(one, "files of the two containers").toEqual(other);
  return one ?? [];
}

/** A new version of both exports, by pvtx, as a step that runs. */
async function update(
  appengine: Appengine,
  control: ControlClient,
  signal: AbortSignal,
): Promise<{ readonly revision: string; readonly state: State }> {
  const before = await currentState(control, signal);
  const text = "second\n";
  const sha256 = createHash("sha256").update(text).digest("hex");
  await control.send("PUT", `/objects/${sha256}`, { body: text, signal });
  const fragment = JSON.stringify({
    ...nextOf(before, APP, sha256),
    ...nextOf(before, OTHER, sha256),
  });
  const encoded = Buffer.from(fragment).toString("base64");
  const made = await appengine.sh(
    `echo ${encoded} | base64 -d >/tmp/next.json && pvtx abort && pvtx begin current \\
     && pvtx add /tmp/next.json && pvtx commit`,
    { signal },
  );
  expect([made.exitCode, made.stderr], "exit code and stderr of pvtx").toEqual([0, ""]);
  const revision = made.stdout.trim();
  await command(control, "LOCAL_RUN", revision, signal);
  await progress(control, revision, "UPDATED", signal, UPDATE);
  return { revision, state: await currentState(control, signal) };
}

/**
 * Keys of a container's next version: one file of configuration less, one changed, an image more
 * and what a verified image brings along.
 */
function nextOf(state: State, name: string, sha256: string): State {
  const own = Object.entries(state).filter(([key]) => key.startsWith(`${name}/`));
  const root = state[`${name}/root.squashfs`];
  const run = state[`${name}/run.json`] as State;
  return {
    [`_config/${name}/etc/app/app.conf`]: sha256,
    [`_sigs/${name}.json`]: state[`_sigs/${name}.json`],
    ...Object.fromEntries(own),
    [`${name}/_dm/root.squashfs.json`]: { type: "dm-verity", data_device: "root.squashfs" },
    [`${name}/root.squashfs.hash`]: sha256,
    [`${name}/more.squashfs`]: root,
    [`${name}/run.json`]: { ...run, "root-volume": "dm:root.squashfs", volumes: ["more.squashfs"] },
    [`${name}/note.json`]: { made: Date.now() },
  };
}
