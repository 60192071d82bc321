import { clock } from "../../harness/clock/clock.ts";
import { expect } from "../../harness/facts/expect.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { PvhError } from "../../harness/errors.ts";
import { READY_LINE } from "../../harness/appengine/log-line.ts";
import { scenario } from "../../harness/run/scenario.ts";

const SERVER = "pv-example-unix-server";
const CLIENT = "pv-example-unix-client";

const orphan = defineContainer({
  name: "orphan-client",
  args: {
    PV_SERVICES_REQUIRED: [
      { name: "no-such-service", type: "unix", target: "/run/pv/services/x.sock" },
    ],
  },
});

scenario(
  "boot-auto",
  {
    summary: "the image's own entry point boots, stops in order, and says why when it cannot boot",
    containers: [SERVER, CLIENT],
    boot: "none",
  },
  ({ check }) => {
    check(
      "boot.auto",
      "the default entry point reaches READY",
      async ({ bootAppengine, signal }) => {
        const started = await bootAppengine({ boot: "auto", until: "containers" });
        await started.appengine.log.waitFor(READY_LINE, { signal, timeout: 15_000 });
        expect(
          (await started.appengine.text("cat /proc/1/comm")).trim(),
          "program of the appengine's PID 1",
        ).not.toBe("sleep");
        expect(await started.appengine.output(), "output of pv-appengine").toMatch(
          /\[pv-appengine\]: launching pantavisor rev=0/,
        );
      },
    );

    check(
      "boot.stop",
      "`docker stop` ends in an orderly stop within the grace period",
      async ({ bootAppengine }) => {
        const started = await bootAppengine({ boot: "auto", until: "containers" });
        const { exitCode, ms } = await started.halt(10);
        expect(exitCode, "exit code of the appengine after docker stop").toBe(0);
        expect(ms, "ms that docker stop took").toBeLessThan(10_000);
      },
    );

    check(
      "boot.missing-required",
      "a missing required service is reported by name within 15 s",
      async ({ bootAppengine }) => {
        const watch = clock.stopwatch();
        const failure = await bootAppengine({ boot: "auto", containers: [orphan] }).then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(failure, "error of the boot without its required service").toBeInstanceOf(PvhError);
        expect(failure, "error of the boot without its required service").toMatchObject({
          code: "PVH_NEVER_READY",
        });
        expect(
          (failure as PvhError).message,
          "error of the boot, which has to name the service",
        ).toContain("no-such-service");
        expect(
          (failure as PvhError).message,
          "error of the boot, which has to name the container",
        ).toContain("orphan-client");
        expect(watch.given, "ms until the boot gave up").toBeLessThan(15_000);
      },
    );
  },
);
