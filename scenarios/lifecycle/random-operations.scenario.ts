import { expect } from "../../harness/facts/expect.ts";
import { CONTAINER_STATUSES } from "../../broker/shared/formats/control.ts";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import type { ControlClient } from "../../harness/control/control-client.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";

/** More of them: `PVH_OPERATIONS=500 pvh scenario random-operations --seed N --timeout-scale 20`. */
const OPERATIONS = Number(process.env["PVH_OPERATIONS"] ?? 12);
const NAMES: readonly string[] = ["server", "client", "alone"];
const KINDS = ["start", "stop", "restart", "crash", "signal", "kill broker"] as const;

/** Comes back for ever: no sequence may end in a reboot, which would forget what is stopped. */
const always = {
  PV_RESTART_POLICY: "container",
  PV_AUTO_RECOVERY: { policy: "always", max_retries: 0, retry_delay: 1 },
};
const service = { name: "thing", type: "unix", socket: "/run/thing.sock" };
const server = defineContainer({ name: "server", args: always, services: [service] });
const client = defineContainer({
  name: "client",
  args: { ...always, PV_SERVICES_REQUIRED: [{ name: "thing", target: "/run/pv/thing.sock" }] },
});
const alone = defineContainer({ name: "alone", args: always });

scenario(
  "random-operations",
  {
    expects: { rules: ["container-in-recovery"] },
    summary: "random starts, stops, crashes, signals and broker kills keep the invariants",
    containers: [server, client, alone],
    timeScale: 100,
  },
  ({ check }) => {
    check(
      "life.invariants",
      `statuses, user stops, links and processes agree after each of ${OPERATIONS} operations`,
      async ({ appengine, control, seed, note, signal }) => {
        const stopped = new Set<string>();
        let state = seed;
        const below = (limit: number): number => {
          state = (state * 1103515245 + 12345) % 2147483648;
          return Math.floor((state / 2147483648) * limit);
        };
        const done: string[] = [];
        for (let count = 0; count < OPERATIONS; count += 1) {
          const kind = KINDS[below(KINDS.length)] ?? "start";
          const name = NAMES[below(NAMES.length)] ?? "server";
          done.push(kind === "kill broker" ? kind : `${kind} ${name}`);
          await perform(appengine, control, kind, name, stopped, signal);
          await settled(appengine, control, stopped, signal).catch((error: unknown) => {
            note(`seed ${seed}: ${done.join(", ")}`);
            throw error;
          });
        }
        for (const name of NAMES) await control.stop(name, signal);
        await settled(appengine, control, new Set(NAMES), signal);
        const left = await appengine.sh(
          "ls -d /sys/fs/cgroup/lxc.payload.* /sys/fs/cgroup/lxc.monitor.* 2>/dev/null; " +
            "grep ' /volumes/' /proc/self/mountinfo; pgrep -x lxc-start; :",
        );
        expect(left.stdout, "processes that are left of stopped containers").toBe("");
      },
      { timeout: 60_000 },
    );
  },
);

async function perform(
  appengine: Appengine,
  control: ControlClient,
  kind: (typeof KINDS)[number],
  name: string,
  stopped: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  switch (kind) {
    case "start":
    case "stop":
    case "restart": {
      const { status } = await control.act(name, kind, signal);
      if (status !== 200)
        expect([kind, name, status], "status of the bad request").toEqual([kind, name, 400]);
      else if (kind === "stop") stopped.add(name);
      else stopped.delete(name);
      return;
    }
    case "crash":
      await appengine.text(`kill -9 $(lxc-info -n ${name} -pH 2>/dev/null) 2>/dev/null; :`);
      return;
    case "signal": {
      // None of them has the goal READY: nobody expects that.
      const body = '{"type":"ready"}';
      expect(
        (await control.send("POST", "/signal", { body, signal })).status,
        "status of the ready signal from the appengine",
      ).toBe(403);
      return;
    }
    case "kill broker":
      await appengine.text("pkill -9 -x pv-xconnect; :");
  }
}

/** Everything is as it shall be, some time after an operation. */
async function settled(
  appengine: Appengine,
  control: ControlClient,
  stopped: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> {
  let wrong: string[] = [];
  await until(
    "the appengine to come to rest in order",
    async () => {
      wrong = await findWrong(appengine, control, stopped, signal);
      return wrong.length === 0;
    },
    { signal, timeout: 15_000 },
  ).catch((error: unknown) => {
    expect(wrong, "statements of API, links and processes that disagree").toEqual([]);
    throw error;
  });
}

async function findWrong(
  appengine: Appengine,
  control: ControlClient,
  stopped: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<string[]> {
  const wrong: string[] = [];
  const running = new Map<string, number>();
  for (const { name, status } of await control.containers(signal)) {
    expect(CONTAINER_STATUSES, "status of the container").toContain(status);
    const wanted = stopped.has(name) ? "STOPPED" : "STARTED";
    if (status !== wanted) wrong.push(`${name} is ${status}, not ${wanted}`);
    const stdout = await appengine.text(`lxc-info -n ${name} -pH 2>/dev/null; :`);
    const pid = Number(stdout.trim() || 0);
    running.set(name, pid);
    if (pid > 0 === stopped.has(name)) wrong.push(`${name} is ${status} and has pid ${pid}`);
  }
  const graph = await appengine.graph(signal);
  if (graph.length !== 1) wrong.push(`the graph has ${graph.length} links`);
  for (const { consumer, consumer_pid, provider, provider_pid } of graph) {
    for (const [name, pid] of [
      [consumer, consumer_pid] as const,
      [provider, provider_pid] as const,
    ]) {
      if (pid !== running.get(name)) wrong.push(`the graph says ${pid} of ${name}`);
    }
  }
  const broker = (await control.daemons(signal)).find(({ name }) => name === "pv-xconnect");
  if ((broker?.pid ?? 0) <= 0) wrong.push("the broker does not run");
  return wrong;
}
