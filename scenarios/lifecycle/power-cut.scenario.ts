import { setTimeout as pause } from "node:timers/promises";
import { expect } from "../../harness/facts/expect.ts";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import { STORAGE } from "../../harness/appengine/layout.ts";
import type { ControlClient } from "../../harness/control/control-client.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";

/** A hundred: `PVH_POWER_CUTS=100 npx pvh scenario power-cut --timeout-scale 20`. */
const CUTS = Number(process.env["PVH_POWER_CUTS"] ?? 6);
const NAME = "cut";

/** Work that is under way when the power goes. Each script runs until it is killed. */
const WORK = {
  pvtx: `while :; do
    pvtx abort; pvtx begin empty ${STORAGE}/objects
    pvtx add /tmp/one.json; pvtx deploy ${STORAGE}/trails/locals/x
    pvtx begin empty ${STORAGE}/objects
    pvtx add /tmp/two.json; pvtx deploy ${STORAGE}/trails/locals/x
  done`,
  install: `while :; do
    pvcontrol steps put /tmp/one.json locals/y; pvcontrol steps put /tmp/two.json locals/y
  done`,
  switch: `pvcontrol steps put /tmp/one.json locals/one; pvcontrol steps put /tmp/two.json locals/two
  while :; do
    pvcontrol cmd run locals/one; sleep 0.1; pvcontrol cmd run locals/two; sleep 0.1
    pvcontrol cmd run-commit locals/one; sleep 0.1
  done`,
} as const;

/** Programs by the name that the kernel has of them. */
const VICTIMS = {
  pantavisor: "pantavisor",
  "the whole appengine": "pantavisor|pv-appengine|pv-xconnect|pvtx|lxc-start",
} as const;

scenario(
  "power-cut",
  {
    expects: { rules: ["pantavisor-crashed", "reboot-loop"] },
    summary: "killed at random moments of an update, the appengine comes back consistent",
    containers: [defineContainer({ name: NAME, args: { PV_RESTART_POLICY: "container" } })],
    boot: "manual",
    timeScale: 100,
  },
  ({ check }) => {
    check(
      "life.revision.power-cut",
      `the boot after each of ${CUTS} kills is consistent`,
      async ({ appengine, control, seed, note, signal }) => {
        const one = JSON.stringify(await control.json("/steps/0", signal));
        const two = JSON.stringify({ ...(JSON.parse(one) as object), [`${NAME}/note.json`]: [2] });
        for (const [name, text] of Object.entries({ one, two })) {
          await appengine.text(`cat >/tmp/${name}.json <<'END'\n${text}\nEND`);
        }
        for (let cut = 0; cut < CUTS; cut += 1) {
          const works = Object.keys(WORK) as (keyof typeof WORK)[];
          const victims = Object.keys(VICTIMS) as (keyof typeof VICTIMS)[];
          const work = works[cut % works.length] ?? "pvtx";
          const victim = victims[Math.floor(cut / works.length) % victims.length] ?? "pantavisor";
          // By the golden ratio: spread evenly over the time that the work takes.
          const delay = (((seed + cut) * 0.618034) % 1) * 1000;
          note(`${victim} during ${work}, after ${Math.round(delay)} ms`);
          await appengine.text(
            `(setsid sh -c '${WORK[work]}') >/dev/null 2>&1 & echo $! >/tmp/work`,
          );
          await pause(delay);
          const end = victim === "pantavisor" ? kill : killAll;
          await appengine.text(end(VICTIMS[victim]));
          await appengine.text("kill -9 -$(cat /tmp/work) $(cat /tmp/work); rm -f /tmp/work");
          if (victim !== "pantavisor") {
            await appengine.text("(setsid pv-appengine >>/tmp/appengine.log 2>&1) &");
          }
          await backInOrder(appengine, control, [one, two], signal);
        }
      },
      { timeout: 120_000 },
    );
  },
);

/** Kill the programs that run now. */
function kill(pattern: string): string {
  return `for p in /proc/[0-9]*; do
    case $(cat $p/comm 2>/dev/null) in ${pattern})
      grep -q '^State:.Z' $p/status 2>/dev/null ||
        { kill -9 \${p#/proc/} 2>/dev/null && left=1; } ;;
    esac
  done; :`;
}

/** Kill them until none runs: one that is about to start another leaves that behind. */
function killAll(pattern: string): string {
  return `left=1; while [ -n "$left" ]; do left=; ${kill(pattern)}; done`;
}

async function backInOrder(
  appengine: Appengine,
  control: ControlClient,
  states: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { pid } = await until(
    "pantavisor to be READY again",
    async () => {
      const meta = (await control.json("/device-meta", signal)) as Record<string, unknown>;
      const [container] = await control.containers(signal);
      const daemons = await control.daemons(signal);
      const broker = daemons.find(({ name }) => name === "pv-xconnect");
      return meta["pantavisor.status"] === "READY" && container?.status === "STARTED" && broker;
    },
    { signal, timeout: 20_000 },
  );
  expect(pid, "pid of the program that is cut off").toBeGreaterThan(0);
  const steps = (await control.json("/steps", signal)) as { name: string }[];
  for (const { name } of steps) {
    const stdout = await appengine.text(`cat ${STORAGE}/trails/${name}/.pvr/json`);
    expect(
      [name, states.includes(stdout)],
      "the state is one of those before and after the cut",
    ).toEqual([name, true]);
  }
  const left = `find ${STORAGE}/trails ${STORAGE}/objects -name '*.incoming*' -o -name '*.bak'`;
  expect(await appengine.text(left), "temporary files after the recovery").toBe("");
  const objects = await appengine.sh(`cd ${STORAGE}/objects && for o in *; do
    [ "$(stat -c %s $o)" -gt 100000 ] || echo "$o  $o" | sha256sum -c --quiet
  done`);
  expect(objects.stdout, "objects with another content than their name says").toBe("");
  const boot = await appengine.sh(`tr '\\0' '\\n' <${STORAGE}/boot/uboot.txt`);
  expect(boot.stdout, "boot environment after the cut").toMatch(
    /^pv_rev=(0|locals\/\w+)\n(pv_try=locals\/\w+\n)?$/,
  );
}
