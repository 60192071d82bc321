import { patientSeconds } from "../../harness/appengine/python.ts";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "../../harness/facts/expect.ts";
import { EXIT_FILE } from "../../harness/appengine/boot-preparation.ts";
import { EXPORTS_FOLDER, STORAGE } from "../../harness/appengine/layout.ts";
import { READY_LINE } from "../../harness/appengine/log-line.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { shellQuote } from "../../harness/shell-quote.ts";
import { until } from "../../harness/until.ts";
import { badExports, ESCAPED } from "../support/bad-exports.ts";
import { PROBE_TARGET, probeConsumer, probeProvider } from "../support/probes.ts";

const APP = "pv-example-app";

/** Group root is of policy system: each of its crashes reboots. It never says that it is READY. */
const hopeless = defineContainer({
  name: "hopeless",
  group: "root",
  program: "/usr/bin/false",
  args: { PV_STATUS_GOAL: "READY" },
});

scenario(
  "boot-trouble",
  {
    summary: "bad exports and crash loops are named, and appengines share nothing",
    containers: [APP],
    boot: "none",
    expects: { rules: ["export-refused"] },
  },
  ({ check }) => {
    check(
      "boot.bad-export",
      "a bad export fails with its file name and reason, and writes nothing elsewhere",
      async ({ bootAppengine, signal }) => {
        const [first, ...others] = await badExports();
        if (first === undefined) throw new Error("there is no bad export");
        const folder = await mkdtemp(join(tmpdir(), "pvh-bad-"));
        const path = join(folder, first.name);
        await writeFile(path, first.content);
        try {
          // As pvh reports it.
          await expectNeverReady(
            bootAppengine({ containers: [], exports: [path], boot: "auto", until: "pantavisor" }),
            new RegExp(`exit code 1: .*${first.name}.*(${first.reason.source})`, "i"),
          );
          // The rest in one appengine, whose own boot ends with the first.
          const { appengine } = await bootAppengine({
            containers: [],
            exports: [path],
            boot: "manual",
            until: "container",
          });
          await until(
            "pv-appengine to end",
            async () => (await appengine.text(`cat ${EXIT_FILE}`)).trim() === "1",
            { signal, timeout: 10_000 },
          );
          for (const { name, content, reason } of others) {
            const file = `${EXPORTS_FOLDER}/${name}`;
            const base64 = content.toString("base64");
            const { exitCode, stdout } = await appengine.sh(
              `rm -f ${EXPORTS_FOLDER}/*; echo ${base64} | base64 -d >${file}; timeout ${patientSeconds(5)} pv-appengine 2>&1`,
            );
            const says = stdout.split("\n").find((line) => line.includes(name)) ?? stdout;
            expect(
              [name, exitCode, says],
              `exit code and message of pvtx for the export ${name}`,
            ).toEqual([name, 1, expect.stringMatching(reason)]);
          }
          const escaped = await appengine.sh(
            `find / ${STORAGE} -xdev -name ${shellQuote(`*${ESCAPED}*`)}`,
          );
          expect(escaped.stdout, "files that exports wrote outside of the storage").toBe("");
        } finally {
          await rm(folder, { recursive: true });
        }
      },
    );

    check(
      "boot.reboot-loop",
      "a crash loop is detected, counted and reported; one crash is none",
      async ({ bootAppengine, signal }) => {
        const once = await bootAppengine({ timeScale: 20, until: "ready" });
        await once.appengine.text("kill -SEGV $(pgrep -x pantavisor)");
        await once.appengine.log.waitFor(READY_LINE, { count: 2, signal, timeout: 15_000 });
        expect(
          (await once.appengine.output()).match(/launching pantavisor/g),
          "launches of pantavisor after one crash",
        ).toHaveLength(2);

        await expectNeverReady(
          bootAppengine({ containers: [hopeless], timeScale: 20 }),
          /reboot loop: pantavisor was started \d+ times without READY: .*'hopeless'.*exit code 1/,
        );
      },
    );

    check(
      "boot.fresh",
      "no appengine sees another's storage, containers or sockets",
      async ({ bootAppengine, signal }) => {
        const one = await bootAppengine({ containers: [APP], until: "ready" });
        const marks = [`${STORAGE}/mark`, "/run/pantavisor/mark"];
        await one.appengine.text(`touch ${marks.join(" ")}`);
        const two = await bootAppengine({ containers: [probeProvider, probeConsumer] });
        const names = async (which: typeof one): Promise<string[]> =>
          (await which.control.containers(signal)).map(({ name }) => name).sort();
        expect(await names(one), "containers of the first appengine").toEqual([APP]);
        expect(await names(two), "containers of the second appengine").toEqual(
          [probeConsumer.name, probeProvider.name].sort(),
        );
        const seen = await two.appengine.sh(`ls -d ${marks.join(" ")}; lxc-ls -1; ls /volumes`);
        expect(seen.stdout, "things of the first appengine that the second one sees").not.toMatch(
          new RegExp(`mark|${APP}`),
        );
        const consumer = two.inside(probeConsumer.name);
        expect(
          (await consumer.sh(`ls ${PROBE_TARGET}`)).exitCode,
          "exit code of ls on the socket in the second appengine",
        ).toBe(0);
        expect(
          (await one.inside(APP).sh(`ls ${PROBE_TARGET}`)).exitCode,
          "exit code of ls on the second one's socket in the first appengine",
        ).not.toBe(0);
      },
    );
  },
);

/** @param boot not given to `rejects`: an appengine that booted all the same is too large to show */
async function expectNeverReady(boot: Promise<unknown>, reason: RegExp): Promise<void> {
  const error = await boot.then(
    () => "it booted",
    (cause: unknown) => cause,
  );
  expect(error, "error of the boot in a crash loop").toMatchObject({
    code: "PVH_NEVER_READY",
    message: expect.stringMatching(reason) as string,
  });
}
