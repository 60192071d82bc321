import { STORAGE } from "../../harness/appengine/layout.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { expect } from "../../harness/facts/expect.ts";
import { scenario } from "../../harness/run/scenario.ts";

const FIRST = "locals/first";

scenario(
  "boot-settings",
  {
    summary: "an appengine whose first revision has a name, and whose log tells the time",
    containers: [defineContainer({ name: "app", args: {} })],
    boot: "auto",
    env: { PV_APPENGINE_INITIAL_REV: FIRST, PV_LOG_TIMESTAMP: "absolute" },
    until: "ready",
  },
  ({ check }) => {
    check(
      "boot.initial-rev",
      "the exports become the revision of that name, which is good at once",
      async ({ appengine, control, signal }) => {
        expect(
          await control.json("/device-meta", signal),
          "revision in /device-meta",
        ).toMatchObject({ "pantavisor.revision": FIRST, "pantavisor.status": "READY" });
        expect(await control.json("/steps", signal), "steps of the device").toEqual([
          expect.objectContaining({
            name: FIRST,
            progress: expect.objectContaining({
              status: "DONE",
              "status-msg": "Factory revision",
            }) as object,
          }),
        ]);
        expect(
          (await appengine.text(`tr '\\0' '\\n' <${STORAGE}/boot/uboot.txt`)).trim(),
          "boot environment",
        ).toBe(`pv_rev=${FIRST}`);
      },
    );

    check(
      "boot.log.clock",
      "lines of pantavisor.log have the time since 1970",
      async ({ appengine }) => {
        const [now = "", line = ""] = (
          await appengine.text(
            `date +%s; tail -n 1 ${STORAGE}/logs/${FIRST}/pantavisor/pantavisor.log`,
          )
        ).split("\n");
        const seconds = Number(/^\[pantavisor\] (\d+) /.exec(line)?.[1]);
        expect(
          Math.abs(Number(now) - seconds),
          "seconds between the last line's time and now",
        ).toBeLessThan(3600);
      },
    );
  },
);
