import { mkdtemp, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "../../harness/facts/expect.ts";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { waitForStatus } from "../support/steps.ts";
import { consoleOf, guest, probeGuest } from "../support/wasm-guests.ts";

const onFailure = {
  PV_AUTO_RECOVERY: {
    policy: "on-failure",
    max_retries: 1,
    retry_delay: 0,
    backoff_policy: "never",
  },
};
const bystander = probeGuest("bystander", { words: ["sleep", "100000"] });
const talker = probeGuest("talker", {
  words: ["print", "hello from a guest", "env", "COLOUR", "pointers", "grow", "sleep", "100000"],
  wasm: { env: { COLOUR: "blue" }, memory_pages: 100 },
});
const done = probeGuest("done", { words: ["exit", "0"], args: onFailure });
/** A status of 8 bits would take this for success. */
const fails = probeGuest("fails", { words: ["print", "failing", "exit", "256"], args: onFailure });
const loops = probeGuest("loops", { words: ["loop"], wasm: { stop_timeout: 1 } });
const ready = probeGuest("ready", {
  words: ["ready", "sleep", "100000"],
  args: { PV_STATUS_GOAL: "READY" },
});

/** Reason of each hostile guest's end. */
const HOSTILE: readonly (readonly [name: string, reason: RegExp])[] = [
  ["no-module", /its module is refused: .*magic word/],
  ["start-loops", /its module did not start in 3 s/],
  ["recurses", /trap: Maximum call stack size exceeded/],
  ["traps", /trap: unreachable/],
  ["huge-memory", /it cannot be instantiated: .*memory/i],
  ["huge-table", /its module is refused: .*initial table size/],
  ["wrong-signature", /pantavisor_http\.close: called with other arguments than \(i32\)/],
  ["no-start", /it exports no function _start/],
  [
    "imports-memory",
    /import env\.memory is a memory: .*; import env\.system is unknown; import pantavisor_http\.toString is unknown/,
  ],
];
const rest = [{ name: "absent", type: "rest", target: "/run/absent.sock" }];
const hostile = HOSTILE.map(([name]) =>
  name === "traps"
    ? probeGuest(name, { words: ["trap"] })
    : guest(name, name === "no-module" ? "no-module.txt" : `${name}.wasm`, {
        wasm: { start_timeout: name === "start-loops" ? 3 : 30 },
        args: { PV_SERVICES_OPTIONAL: rest },
      }),
);

scenario(
  "wasm-lifecycle",
  {
    // Guests that fail, and guests that are refused.
    expects: {
      rules: [
        "container-cannot-start",
        "recovery-exhausted",
        "container-in-recovery",
        "ready-hides-stopped",
      ],
    },
    requires: ["wasm"],
    summary: "a WebAssembly module is a container like any other, and ends alone when it fails",
    containers: [
      bystander,
      talker,
      done,
      fails,
      loops,
      ready,
      guest("ungranted", "imports-dbus.wasm", { args: { PV_SERVICES_OPTIONAL: rest } }),
    ],
    // Containers that fail never reach their goals.
    until: "pv-ctrl",
  },
  ({ check }) => {
    check(
      "wasm.run",
      "a guest starts, logs to its console and follows the API; its exit code drives recovery",
      async ({ appengine, control, signal }) => {
        await waitForStatus(control, "talker", "STARTED", signal);
        const printed = await until(
          "the guest to sleep",
          async () => {
            const text = await consoleOf(appengine, "talker");
            return text.includes("pages") && text;
          },
          { signal, timeout: 10_000 },
        );
        expect(printed.trimEnd().split("\n"), "console of the guest").toEqual([
          "hello from a guest",
          "COLOUR=blue",
          ...POINTERS,
          expect.stringMatching(/^pages (8[5-9]|9\d|100)$/),
        ]);

        await waitForStatus(control, "done", "STOPPED", signal);
        await appengine.log.waitFor(/platform 'fails' reached max retries \(1\)/, {
          signal,
          timeout: 10_000,
        });
        expect(await endings(appengine, "fails"), "ends of the guest that fails").toEqual([
          "exit code 256",
          "exit code 256",
        ]);
        expect(await endings(appengine, "done"), "ends of the guest that is done").toEqual([
          "exit code 0",
        ]);
        expect(await consoleOf(appengine, "fails"), "console of the guest that fails").toBe(
          "failing\nfailing\n",
        );

        await waitForStatus(control, "ready", "READY", signal);
        for (const name of ["talker", "loops"]) {
          await waitForStatus(control, name, "STARTED", signal);
          await control.restart(name);
          await appengine.log.waitFor(new RegExp(`platform '${name}' status is now STARTED`), {
            count: 2,
            signal,
            timeout: 10_000,
          });
          await control.stop(name);
          await waitForStatus(control, name, "STOPPED", signal);
        }
        expect((await control.container("bystander")).status, "status of the other guest").toBe(
          "STARTED",
        );
      },
      { timeout: 60_000 },
    );

    check(
      "wasm.capability",
      "a guest without the service ends before it runs, and the import is named",
      async ({ appengine, control, signal }) => {
        await waitForStatus(control, "ungranted", "STOPPED", signal);
        expect(
          await endings(appengine, "ungranted"),
          "ends of the guest without the service",
        ).toEqual([
          "import pantavisor_dbus.close is not granted: run.json requires no service of type dbus",
        ]);
      },
    );

    check(
      "wasm.hostile",
      "a module that is none, or wants too much, ends its container alone, with the reason",
      async ({ bootAppengine, signal }) => {
        const large = join(await mkdtemp(join(tmpdir(), "pvh-wasm-")), "large.wasm");
        await writeFile(large, Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
        await truncate(large, 32 * 1024 * 1024 + 1);
        const tooLarge = defineContainer({
          name: "large",
          module: large,
          args: { PV_RESTART_POLICY: "container", PV_AUTO_RECOVERY: { policy: "no" } },
        });
        const table = guest("grows-table", "grows-table.wasm");
        await using booted = await bootAppengine({
          containers: [bystander, ...hostile, tooLarge, table],
        });
        const { appengine } = booted;
        const reasons = [...HOSTILE, ["large", /module module\.wasm has 33554433 bytes/]] as const;
        for (const [name, reason] of reasons) {
          await waitForStatus(appengine.control, name, "STOPPED", signal);
          expect(
            [name, await endings(appengine, name)],
            `ends of the hostile guest ${name}`,
          ).toEqual([name, [expect.stringMatching(reason)]]);
        }
        await waitForStatus(appengine.control, "grows-table", "STOPPED", signal);
        expect(
          await endings(appengine, "grows-table"),
          "ends of the guest that grows its table",
        ).toEqual(["exit code 0"]);
        expect(
          (await appengine.control.container("bystander")).status,
          "status of the other guest",
        ).toBe("STARTED");
        const daemons = await appengine.control.daemons(signal);
        expect(
          daemons.find(({ name }) => name === "pv-xconnect")?.pid,
          "pid of pv-xconnect after the hostile guests",
        ).toBeGreaterThan(0);
      },
      { timeout: 90_000 },
    );
  },
);

/** Results of calls whose ranges are outside of the memory, or whose handles are not there. */
const POINTERS = [
  "count that wraps: errno 28",
  "table outside: errno 21",
  "range outside: errno 21",
  "result outside: errno 21",
  "random outside: errno 21",
  "no such file: errno 8",
  "service outside: errno 8",
];

/** How a container has ended, each time. */
async function endings(appengine: Pick<Appengine, "log">, name: string): Promise<string[]> {
  const ended = new RegExp(`^platform '${name}' suddenly stopped \\((.*)\\)$`);
  const lines = await appengine.log.lines();
  return lines.flatMap(({ message }) => ended.exec(message)?.[1] ?? []);
}
