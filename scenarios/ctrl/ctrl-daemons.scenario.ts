import { clock } from "../../harness/clock/clock.ts";
import { expect } from "../../harness/facts/expect.ts";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import { python } from "../../harness/appengine/python.ts";
import { reasonOf } from "../../harness/control/control-client.ts";
import { findEngine } from "../../harness/engine/find-engine.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { throughout } from "../../harness/throughout.ts";
import { until } from "../../harness/until.ts";
import { PROBE_SOCKET, PROBE_TARGET, probeConsumer, probeProvider } from "../support/probes.ts";
import { Program } from "../support/program.ts";
import { commandOf, restartBroker, runningBroker } from "../support/steps.ts";

const BROKER = "pv-xconnect";
/** From the moment that a start was asked for; starting the programs that look takes a part. */
const SOON = 2_000;

scenario(
  "ctrl-daemons",
  {
    summary: "pv-xconnect stops, starts and recovers as /daemons says, and commands are obeyed",
    containers: [probeProvider, probeConsumer],
  },
  ({ check }) => {
    check(
      "ctrl.daemons.shape",
      "/daemons names each daemon with its own process and whether it is respawned",
      async ({ appengine, control, signal }) => {
        const before = await broker(appengine, signal);
        await restartBroker(appengine, signal);
        const body = await control.json("/daemons", signal);
        expect(body, "reply to GET /daemons").toEqual([
          { name: "hwrngd", pid: 0, respawn: true },
          { name: BROKER, pid: expect.any(Number) as number, respawn: true },
        ]);
        const after = await broker(appengine, signal);
        expect(after.pid, "pid of pv-xconnect after its restart").not.toBe(before.pid);
        expect(
          await commandOf(appengine, after.pid),
          "program of the pid that /daemons names for pv-xconnect",
        ).toContain(BROKER);
      },
    );

    check(
      "ctrl.daemons.stop",
      "stop ends it for good: no process, no respawn",
      async ({ appengine, control, signal }) => {
        const { pid } = await broker(appengine, signal);
        expect(
          (await control.actOnDaemon(BROKER, "stop", signal)).status,
          "status of PUT /daemons/pv-xconnect stop",
        ).toBe(200);
        await until("the process to be gone", async () => !(await alive(appengine, pid)), {
          signal,
          timeout: 5_000,
        });
        await throughout(
          1_500,
          async () => {
            const now = await broker(appengine, signal);
            expect(now.respawn, "pv-xconnect is respawned after its stop").toBe(false);
            expect(now.pid, "pid of pv-xconnect after its stop").toBeLessThanOrEqual(0);
          },
          { signal },
        );
        expect(
          (await appengine.sh(`pgrep -x ${BROKER}`)).exitCode,
          "exit code of pgrep pv-xconnect after its stop",
        ).toBe(1);
      },
    );

    check(
      "ctrl.daemons.start",
      "start runs it again, and links work within 2 s",
      async ({ appengine, control, inside, signal }) => {
        await using provider = await Program.python(inside(probeProvider.name), ECHO);
        expect(await provider.line(), "first line of the provider").toBe("listening");
        await control.actOnDaemon(BROKER, "stop", signal);
        await until("no broker", async () => (await broker(appengine, signal)).pid <= 0, {
          signal,
          timeout: 5_000,
        });
        await using consumer = await Program.python(inside(probeConsumer.name), UNTIL_ECHO);
        expect(await consumer.line(), "first line of the consumer").toBe("trying");
        expect(
          (await control.actOnDaemon(BROKER, "start", signal)).status,
          "status of PUT /daemons/pv-xconnect start",
        ).toBe(200);
        consumer.say("go");
        const started = await broker(appengine, signal);
        expect(
          await commandOf(appengine, started.pid),
          "program of the pid that /daemons names after the start",
        ).toContain(BROKER);
        const { seconds } = (await consumer.json(10_000)) as { seconds: number };
        expect(seconds * 1000, "ms from the start until the link works").toBeLessThan(
          SOON * clock.stretch(),
        );
        expect(
          (await broker(appengine, signal)).respawn,
          "pv-xconnect is respawned after its start",
        ).toBe(true);
      },
    );

    check(
      "ctrl.daemons.crash",
      "a killed daemon is respawned and listed with its own pid",
      async ({ appengine, signal }) => {
        const pid = await until("pv-xconnect to run", () => runningBroker(appengine, signal), {
          signal,
          timeout: 10_000,
        });
        await appengine.text(`kill -9 ${pid}`);
        const now = await until(
          "another pv-xconnect",
          async () => {
            const one = await broker(appengine, signal);
            return one.pid > 0 && one.pid !== pid && one;
          },
          { signal, timeout: 10_000 },
        );
        expect(now.respawn, "pv-xconnect is respawned after the kill").toBe(true);
        expect(
          await commandOf(appengine, now.pid),
          "program of the pid that /daemons names after the kill",
        ).toContain(BROKER);
      },
    );

    check(
      "ctrl.daemons.errors",
      "an unknown daemon is 404, bad JSON and unknown actions are 400",
      async ({ appengine, control, signal }) => {
        const before = await broker(appengine, signal);
        expect(
          (await control.actOnDaemon("nonexistent-daemon", "stop", signal)).status,
          "status of a stop of an unknown daemon",
        ).toBe(404);
        for (const body of ["{", "{}", "[]", '{"action":"restart"}', '{"action":7}']) {
          const reply = await control.send("PUT", `/daemons/${BROKER}`, { body, signal });
          expect([body, reply.status], "status of PUT /daemons/pv-xconnect with this body").toEqual(
            [body, 400],
          );
          expect(reasonOf(reply), "reason of the refusal").toContain("action");
        }
        expect(
          await broker(appengine, signal),
          "pv-xconnect in /daemons after refused actions",
        ).toEqual(before);
      },
    );

    check(
      "ctrl.commands",
      "unknown commands are 400; reboot comes back, poweroff ends the appengine",
      async ({ bootAppengine, signal }) => {
        const { appengine, control } = await bootAppengine({ containers: [probeProvider] });
        for (const body of ["{", "{}", '{"op":"NOPE","payload":""}', '{"op":"POWEROFF"}']) {
          const reply = await control.send("POST", "/commands", { body, signal });
          expect([body, reply.status], "status of POST /commands with this body").toEqual([
            body,
            400,
          ]);
        }
        const before = await pantavisor(appengine);
        expect(before, "pid of pantavisor before the reboot").toMatch(/^\d+$/);
        // 503 while another command is pending, with the time after which to try again.
        const command = (op: string) =>
          until(
            `${op} to be taken`,
            async () => {
              const body = JSON.stringify({ op, payload: "" });
              const reply = await control.send("POST", "/commands", { body, signal });
              return reply.status !== 503 && reply;
            },
            { signal, timeout: 10_000 },
          );
        expect((await command("RUN_GC")).status, "status of the command RUN_GC").toBe(200);
        expect((await command("REBOOT_DEVICE")).status, "status of the command REBOOT_DEVICE").toBe(
          200,
        );
        await until(
          "another pantavisor",
          async () => {
            const now = await pantavisor(appengine);
            return now !== "" && now !== before;
          },
          { signal, timeout: 15_000 },
        );
        await until(
          "the container to run again",
          async () => (await control.container(probeProvider.name)).status === "STARTED",
          { signal, timeout: 10_000 },
        );
        expect(
          (await command("POWEROFF_DEVICE")).status,
          "status of the command POWEROFF_DEVICE",
        ).toBe(200);
        const { docker } = await findEngine({ signal });
        const state = await until(
          "the appengine to end",
          async () => {
            const { State } = await docker.getContainer(appengine.name).inspect();
            return !State.Running && State;
          },
          { signal, timeout: 15_000 },
        );
        expect(state.ExitCode, "exit code of the appengine").toBe(0);
      },
      { timeout: 60_000 },
    );
  },
);

async function broker(appengine: Appengine, signal: AbortSignal) {
  const found = (await appengine.control.daemons(signal)).find(({ name }) => name === BROKER);
  if (found === undefined) throw new Error(`/daemons does not list ${BROKER}`);
  return found;
}

async function alive(appengine: Appengine, pid: number): Promise<boolean> {
  return (await appengine.sh(`kill -0 ${pid}`)).exitCode === 0;
}

async function pantavisor(appengine: Appengine): Promise<string> {
  return (await appengine.text("pgrep -x pantavisor")).trim();
}

const ECHO = python`
  from probes import unix
  server = unix.listen(${PROBE_SOCKET})
  print("listening")
  while True:
      peer, _ = server.accept()
      peer.sendall(b"here")
      peer.close()
`;

/** Once told to go, connect until the provider says something; prints the seconds it took. */
const UNTIL_ECHO = python`
  import time
  from probes import hold, tell, unix
  print("trying")
  hold()
  begun = time.monotonic()
  while time.monotonic() - begun < 8:
      try:
          if unix.read_to_end(unix.connect(${PROBE_TARGET}, 3)) == b"here": break
      except OSError: pass
      time.sleep(0.02)
  tell({"seconds": time.monotonic() - begun})
`;
