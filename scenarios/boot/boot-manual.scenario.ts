import { expect } from "../../harness/facts/expect.ts";
import {
  consoleLog,
  LOG_ROOT,
  pantavisorLog,
  RUN_LOG_ROOT,
} from "../../harness/appengine/layout.ts";
import { READY_LINE } from "../../harness/appengine/log-line.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { BrokerByHand } from "../support/broker-by-hand.ts";

const SERVER = "pv-example-unix-server";
const CLIENT = "pv-example-unix-client";
const READY_SOON = 15_000;

scenario(
  "boot-manual",
  {
    summary: "an idle container, then `pv-appengine &`: READY, logs, API and broker as documented",
    containers: [SERVER, CLIENT],
    boot: "manual",
    until: "containers",
  },
  ({ check }) => {
    check(
      "boot.manual",
      "pv-appengine started by hand reaches READY",
      async ({ appengine, signal }) => {
        const path = `${RUN_LOG_ROOT}/0/pantavisor/pantavisor.log`;
        const line = await until(
          "the READY line",
          async () => {
            const { exitCode, stdout } = await appengine.sh(`grep "revision.*READY" ${path}`);
            return exitCode === 0 && stdout;
          },
          { signal, timeout: READY_SOON },
        );
        expect(line, "READY line of pantavisor.log").toMatch(READY_LINE);
      },
    );

    check(
      "boot.ready.line",
      "the READY line comes with its revision, after the containers', and device-meta agrees",
      async ({ appengine, signal }) => {
        await appengine.log.waitFor(READY_LINE, { signal, timeout: READY_SOON });
        const lines = await appengine.log.lines();
        const place = (text: string): number => lines.findIndex(({ message }) => message === text);
        const ready = place("state revision '0' status is now READY");
        for (const name of [SERVER, CLIENT]) {
          const started = place(`platform '${name}' status is now STARTED`);
          expect(started, "place of the last STARTED line among the log lines").toBeGreaterThan(-1);
          expect(
            started,
            "place of the last STARTED line, which the READY line follows",
          ).toBeLessThan(ready);
        }
        expect(
          await appengine.control.json("/device-meta", signal),
          "revision and its state in /device-meta",
        ).toMatchObject({
          "pantavisor.status": "READY",
          "pantavisor.revision": "0",
        });
      },
    );

    check(
      "boot.ready.containers",
      "as soon as READY is reported every container is STARTED and RUNNING",
      async ({ bootAppengine, signal }) => {
        const { appengine } = await bootAppengine({ boot: "manual", until: "pv-ctrl" });
        await until(
          "pantavisor.status READY",
          async () => {
            const meta = await appengine.control.json("/device-meta", signal);
            return JSON.stringify(meta).includes('"pantavisor.status":"READY"');
          },
          { signal, timeout: READY_SOON },
        );
        const containers = await appengine.control.containers();
        expect(
          containers.map(({ name, status }) => [name, status]).sort(),
          "containers and their states when READY was logged",
        ).toEqual([
          [CLIENT, "STARTED"],
          [SERVER, "STARTED"],
        ]);
        const stdout = await appengine.text("lxc-ls -f");
        for (const name of [SERVER, CLIENT]) {
          expect(stdout, `row of ${name} in lxc-ls -f`).toMatch(
            new RegExp(`^${name} +RUNNING `, "m"),
          );
        }
      },
    );

    check(
      "boot.logs.layout",
      "logs are where they are documented, under storage and through /run",
      async ({ appengine, signal }) => {
        const stored = [pantavisorLog(), consoleLog(CLIENT), `${LOG_ROOT}/0/${CLIENT}/lxc/lxc.log`];
        const paths = [...stored, ...stored.map((path) => path.replace(LOG_ROOT, RUN_LOG_ROOT))];
        // console.log is made at the container's first output.
        const listing = await until(
          "all logs",
          async () => {
            const result = await appengine.sh(`ls ${paths.join(" ")}`);
            return result.exitCode === 0 && result.stdout;
          },
          { signal, timeout: 10_000 },
        );
        expect(listing.trim().split("\n").sort(), "paths of the logs").toEqual(paths.sort());
      },
    );

    check(
      "boot.paths",
      "the appengine and its containers have the paths that programs and people use",
      async ({ appengine, inside }) => {
        const sees = async (shell: (script: string) => Promise<string>, path: string) =>
          shell(`[ -e ${path} ] && echo yes || echo no`).then((text) => [path, text.trim()]);
        const own = ["/storage/trails/0", "/exports", "/storage/logs/current/pantavisor"];
        const syslog = `/storage/logs/current/${CLIENT}/var/log/syslog`;
        for (const path of [...own, syslog, "/run/pantavisor/pv/device-meta"]) {
          expect(
            await sees((script) => appengine.text(script), path),
            "path, and whether the appengine has it",
          ).toEqual([path, "yes"]);
        }
        const files = ["challenge", "device-id", "pantahub-host", "device-meta.pantavisor/mode"];
        const more = ["phconfig", "pv-fd-log", "device-meta/storage", "device-meta/time"];
        for (const name of ["pv-ctrl", "device-meta", "user-meta", "logs", ...files, ...more]) {
          const path = `/pantavisor/${name}`;
          expect(
            await sees((script) => inside(CLIENT).text(script), path),
            "path, and whether the container has it",
          ).toEqual([path, "yes"]);
        }
        const { exitCode } = await inside(CLIENT).sh("echo x > /pantavisor/user-meta/forged");
        expect(exitCode, "exit code of forging user-meta").not.toBe(0);
        const forged = await inside(CLIENT).sh("echo x > /pantavisor/device-id");
        expect(forged.exitCode, "exit code of forging the device's id").not.toBe(0);
      },
    );

    check(
      "xc.manual-run",
      "pv-xconnect run by hand prints the documented lines at once",
      async ({ appengine, inside }) => {
        // It runs on while we read: what it keeps in a buffer does not arrive.
        await using broker = await BrokerByHand.start(appengine);
        const stdout = (await broker.program.linesUntil(/^pvx-unix: Injecting/, 10_000)).join("\n");
        const pid = await inside(CLIENT).pid();
        expect(stdout, "output of pv-xconnect, with its first line").toMatch(
          /^pv-xconnect starting\.\.\.$/m,
        );
        expect(stdout, "output of pv-xconnect, with its connection to pv-ctrl").toMatch(
          /^Connected to pv-ctrl$/m,
        );
        expect(stdout, "output of pv-xconnect, with the count of links").toMatch(
          /^Reconciling graph with 1 links$/m,
        );
        expect(stdout, "output of pv-xconnect, with the link that it adds").toContain(
          `Adding link: ${CLIENT} (pid=${pid}, unix) -> /run/example/raw.sock (inject to: /run/pv/services/raw-unix.sock)`,
        );
        expect(stdout, "output of pv-xconnect, with the socket that it injects").toContain(
          `pvx-unix: Injecting socket /run/pv/services/raw-unix.sock into pid ${pid}`,
        );
      },
    );
  },
);
