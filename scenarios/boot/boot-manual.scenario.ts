import { expect } from "vitest";
import {
  consoleLog,
  LOG_ROOT,
  pantavisorLog,
  RUN_LOG_ROOT,
} from "../../harness/appengine/layout.ts";
import { READY_LINE } from "../../harness/appengine/log-line.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";

const SERVER = "pv-example-unix-server";
const CLIENT = "pv-example-unix-client";

scenario(
  "boot-manual",
  {
    summary: "an idle container, then `pv-appengine &`: READY, logs, API and broker as documented",
    containers: [SERVER, CLIENT],
    boot: "none",
  },
  ({ check }) => {
    check(
      "boot.manual",
      "pv-appengine started by hand reaches READY",
      async ({ bootAppengine }) => {
        const { appengine } = await bootAppengine({ boot: "manual", until: "ready" });
        const ready = await appengine.sh(
          `grep "status is now READY" ${RUN_LOG_ROOT}/0/pantavisor/pantavisor.log`,
        );
        expect(ready.stdout).toMatch(READY_LINE);
      },
    );

    check(
      "boot.ready.line",
      "the READY line comes with its revision and device-meta agrees",
      async ({ bootAppengine, signal }) => {
        const { appengine } = await bootAppengine({ boot: "manual", until: "ready" });
        const lines = await appengine.log.lines();
        const ready = lines.findIndex(({ message }) => READY_LINE.test(message));
        expect(READY_LINE.exec(lines[ready]?.message ?? "")?.[1]).toBe("0");
        const started = lines.findIndex(
          ({ message }) => message === `platform '${CLIENT}' status is now STARTED`,
        );
        expect(started).toBeGreaterThan(-1);
        expect(started).toBeLessThan(ready);
        expect(await appengine.control.json("/device-meta", signal)).toMatchObject({
          "pantavisor.status": "READY",
          "pantavisor.revision": "0",
        });
      },
    );

    check(
      "boot.ready.containers",
      "at READY every container is STARTED and RUNNING",
      async ({ bootAppengine }) => {
        const { appengine } = await bootAppengine({ boot: "manual", until: "ready" });
        const containers = await appengine.control.containers();
        expect(containers.map(({ name, status }) => [name, status]).sort()).toEqual([
          [CLIENT, "STARTED"],
          [SERVER, "STARTED"],
        ]);
        const { stdout } = await appengine.sh("lxc-ls -f");
        for (const name of [SERVER, CLIENT])
          expect(stdout).toMatch(new RegExp(`^${name} +RUNNING `, "m"));
      },
    );

    check(
      "boot.logs.layout",
      "logs are where they are documented, under storage and through /run",
      async ({ bootAppengine, signal }) => {
        const { appengine } = await bootAppengine({ boot: "manual" });
        const expected = [
          pantavisorLog(),
          consoleLog(CLIENT),
          `${LOG_ROOT}/0/${CLIENT}/lxc/lxc.log`,
        ];
        const paths = [
          ...expected,
          ...expected.map((path) => path.replace(LOG_ROOT, RUN_LOG_ROOT)),
        ];
        // console.log is made at the container's first output.
        await until(
          "the client's console log",
          async () => (await appengine.sh(`test -s ${consoleLog(CLIENT)}`)).exitCode === 0,
          {
            signal,
            timeout: 10_000,
          },
        );
        expect((await appengine.sh(`ls ${paths.join(" ")}`)).stderr).toBe("");
      },
    );

    check(
      "xc.manual-run",
      "pv-xconnect run by hand prints the documented lines at once",
      async ({ bootAppengine }) => {
        const { appengine } = await bootAppengine({ boot: "manual" });
        const { stdout } = await appengine.sh(
          "stdbuf -oL timeout -s KILL 2 /usr/bin/pv-xconnect 2>&1; :",
          { timeout: 10_000 },
        );
        const pid = await appengine.inside(CLIENT).pid();
        expect(stdout).toMatch(/^pv-xconnect starting\.\.\.$/m);
        expect(stdout).toMatch(/^Connected to pv-ctrl$/m);
        expect(stdout).toMatch(/^Reconciling graph with 1 links$/m);
        expect(stdout).toContain(
          `Adding link: ${CLIENT} (pid=${pid}, unix) -> /run/example/raw.sock (inject to: /run/pv/services/raw-unix.sock)`,
        );
        expect(stdout).toContain(
          `pvx-unix: Injecting socket /run/pv/services/raw-unix.sock into pid ${pid}`,
        );
      },
    );
  },
);
