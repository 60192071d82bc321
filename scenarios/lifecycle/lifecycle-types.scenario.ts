import { patientSeconds } from "../../harness/appengine/python.ts";
import { expect } from "../../harness/facts/expect.ts";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import { LOG_ROOT } from "../../harness/appengine/layout.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { shellQuote } from "../../harness/shell-quote.ts";
import { until } from "../../harness/until.ts";
import { INNER_CONTROL_SOCKET } from "../support/control-probe.ts";
import { waitForStatus } from "../support/steps.ts";

const SERVER = "pv-example-unix-server";
const TARGET = "/run/pv/services/raw-unix.sock";

/** Counterpart of pv-example-unix-client that is run by runc. */
const consumer = defineContainer({
  name: "runc-consumer",
  type: "runc",
  program: "/usr/bin/pv-app",
  args: {
    PV_RESTART_POLICY: "container",
    PV_AUTO_RECOVERY: {
      policy: "on-failure",
      max_retries: 3,
      retry_delay: 1,
      backoff_policy: "never",
    },
    PV_SERVICES_REQUIRED: [{ name: "raw-unix", type: "unix", target: TARGET }],
  },
});
const strange = defineContainer({
  name: "strange",
  type: "nosuch",
  args: { PV_RESTART_POLICY: "container", PV_AUTO_RECOVERY: { policy: "no" } },
});

scenario(
  "lifecycle-types",
  {
    expects: { rules: ["container-cannot-start"] },
    requires: ["runc"],
    summary: "containers run by runc are containers like any other; unknown types are refused",
    containers: [SERVER, consumer, strange],
    // The container of unknown type never reaches its goal.
    until: "pv-ctrl",
  },
  ({ check }) => {
    check(
      "life.type.runc",
      "a container of type runc starts, gets links and follows the API; an unknown type is refused",
      async ({ appengine, control, signal, skip }) => {
        const { exitCode } = await appengine.sh("command -v runc");
        if (exitCode !== 0) skip("runc is not in the image");
        const { name } = consumer;

        await waitForStatus(control, "strange", "STOPPED", signal);
        await appengine.log.waitFor(/platform 'strange' .*no plugin for type 'nosuch'/, {
          signal,
          timeout: 1_000,
        });

        await waitForStatus(control, name, "STARTED", signal);
        const running = (other?: number) =>
          until(
            "runc to run it",
            async () => {
              const init = await initOf(appengine, name);
              return init !== other && init;
            },
            { signal, timeout: 10_000 },
          );
        const first = await running();
        const [link] = await control.graph(signal);
        expect(
          [link?.consumer, link?.consumer_pid],
          "consumer and consumer_pid of the link in the graph",
        ).toEqual([name, first]);
        await expectEcho(appengine, name, signal);
        const own = `curl -s --max-time ${patientSeconds(3)} --unix-socket ${INNER_CONTROL_SOCKET} http://localhost/containers`;
        expect(
          JSON.parse(await inside(appengine, name, own)),
          "identities that the container of type runc got",
        ).toHaveLength(3);
        const log = await appengine.sh(`cat ${LOG_ROOT}/0/${name}/runc/console.log`);
        expect(log.stdout, "console of the container of type runc").toContain(
          "App container alive",
        );

        expect((await control.act(name, "restart")).status, "status of the restart").toBe(200);
        const second = await running(first);
        await waitForStatus(control, name, "STARTED", signal);
        await expectEcho(appengine, name, signal);

        await appengine.text(`kill -KILL ${second}`);
        await appengine.log.waitFor(
          new RegExp(`platform '${name}' crashed\\. Attempting auto-recovery \\(attempt 1/3\\)`),
          { signal, timeout: 5_000 },
        );
        await waitForStatus(control, name, "STARTED", signal);
        await expectEcho(appengine, name, signal);

        // Without its monitor a container is a crashed one too, and nothing of it stays.
        const third = await running(second);
        await appengine.text("pkill -KILL -x runc");
        await running(third);
        expect(
          (await appengine.sh(`kill -0 ${third}`)).exitCode,
          "exit code of kill -0 on the old init",
        ).not.toBe(0);
        await expectEcho(appengine, name, signal);

        expect((await control.act(name, "stop")).status, "status of the stop").toBe(200);
        const stopped = await waitForStatus(control, name, "STOPPED", signal);
        expect(stopped.user_stopped, "user_stopped after the stop").toBe("true");
        expect(
          (await runcList(appengine)).filter(({ status }) => status === "running"),
          "containers that runc lists as running",
        ).toEqual([]);
        expect((await control.act(name, "start")).status, "status of the start").toBe(200);
        await waitForStatus(control, name, "STARTED", signal);
        await expectEcho(appengine, name, signal);
      },
      // Five starts, each of which waits for a link.
      { timeout: 90_000 },
    );
  },
);

interface Listed {
  readonly id: string;
  readonly pid: number;
  readonly status: string;
}

/** As runc itself has it. */
async function runcList(appengine: Appengine): Promise<readonly Listed[]> {
  const list = "runc --root /run/pantavisor/runc/state list -f json";
  return (JSON.parse(await appengine.text(list)) ?? []) as readonly Listed[];
}

/** undefined while runc does not run it, or not yet: it learns last that init has begun. */
async function initOf(appengine: Appengine, name: string): Promise<number | undefined> {
  const found = (await runcList(appengine)).find(({ id }) => id === name);
  return found?.status === "running" ? found.pid : undefined;
}

async function inside(appengine: Appengine, name: string, script: string): Promise<string> {
  const stdout = await appengine.text(`pventer -c ${name} /bin/sh -c ${shellQuote(script)}`);
  return stdout;
}

/** The link works: what goes in at the consumer's socket comes back from the provider. */
async function expectEcho(appengine: Appengine, name: string, signal: AbortSignal): Promise<void> {
  await until(
    "the provider's echo in the runc container",
    async () =>
      (await inside(appengine, name, `echo to-runc | nc -N -U ${TARGET}`)) === "to-runc\n",
    { signal, timeout: 5_000 },
  );
}
