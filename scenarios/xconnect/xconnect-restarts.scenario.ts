import { clock } from "../../harness/clock/clock.ts";
import { python, pythonFile } from "../../harness/appengine/python.ts";
import { expect } from "../../harness/facts/expect.ts";
import { CONTROL_SOCKET } from "../../harness/appengine/layout.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { appenginePython } from "../support/appengine-python.ts";
import { BrokerByHand } from "../support/broker-by-hand.ts";
import { labelsAt, serveLabels } from "../support/labels.ts";
import { PROBE_SOCKET, PROBE_TARGET, probeConsumer, probeProvider } from "../support/probes.ts";
import { Program } from "../support/program.ts";
import { runningBroker, waitForNewInit, waitForStatus } from "../support/steps.ts";
import type { InsideContainer } from "../../harness/appengine/inside.ts";

const PROVIDER = "probe-provider";
const CONSUMER = "probe-consumer";
const OTHER_TARGET = "/run/other/o.sock";

const otherProvider = defineContainer({
  name: "other-provider",
  args: { PV_RESTART_POLICY: "container" },
  services: [{ name: "other", type: "unix", socket: "/run/other/o.sock" }],
});
const otherConsumer = defineContainer({
  name: "other-consumer",
  args: {
    PV_RESTART_POLICY: "container",
    PV_SERVICES_REQUIRED: [{ name: "other", target: OTHER_TARGET }],
  },
});

scenario(
  "xconnect-restarts",
  {
    summary: "providers, consumers and brokers come and go, and the mesh is whole again",
    containers: [probeProvider, probeConsumer, otherProvider, otherConsumer],
  },
  ({ check }) => {
    check(
      "xc.inject.recreate",
      "an injected socket that its consumer deletes is planted again",
      async ({ inside, signal, note }) => {
        await using server = await serveLabels(inside(PROVIDER), { [PROBE_SOCKET]: "probe" });
        expect(
          await labelAt(inside(CONSUMER)),
          "provider at the socket that was planted again",
        ).toBe("probe");
        const begun = performance.now();
        await inside(CONSUMER).text(`rm ${PROBE_TARGET}`);
        await until(
          "the socket to be there again",
          async () => (await labelAt(inside(CONSUMER))) === "probe",
          { signal, timeout: 7_000 },
        );
        note(`there again after ${Math.round(performance.now() - begun)} ms`);
        server.say("end");
      },
    );

    check(
      "xc.inject.latency",
      "a socket is usable as soon as both peers run",
      async ({ appengine, inside, note }) => {
        await using server = await serveLabels(inside(PROVIDER), { [PROBE_SOCKET]: "probe" });
        const latency = pythonFile(
          import.meta.dirname,
          "restart_latency.py",
          CONTROL_SOCKET,
          CONSUMER,
          PROBE_TARGET,
        );
        const stdout = await appengine.text(await appenginePython(appengine, latency), {
          timeout: 50_000,
        });
        const times = JSON.parse(stdout) as number[];
        note(`usable after ${times.map((time) => `${Math.round(time)} ms`).join(", ")}`);
        const [, median = Infinity] = times.toSorted((a, b) => a - b);
        expect(median, "ms from the start until the socket is usable, median").toBeLessThan(
          100 * clock.stretch(),
        );
        server.say("end");
      },
      { timeout: 60_000 },
    );

    check(
      "xc.provider-backlog",
      "a provider that does not listen yet, or whose backlog is full, is waited for",
      async ({ inside }) => {
        await inside(PROVIDER).text(`rm -f ${PROBE_SOCKET}`);
        await using crowd = await connectAtOnce(inside(CONSUMER), 8);
        await using provider = await Program.python(
          inside(PROVIDER),
          python`
            import time
            from probes import hold, unix
            server = unix.listen(${PROBE_SOCKET}, backlog=1)
            print("listening")
            hold()
            # Busy for a while: of those who come now, two fit into the backlog.
            time.sleep(1)
            for _ in range(8):
                peer, _ = server.accept()
                peer.sendall(b"served\n")
                peer.close()
            hold()
          `,
        );
        crowd.say("connect");
        expect(await provider.line(), "first line of the provider").toBe("listening");
        expect(await crowd.line(), "first line of the crowd").toBe("connected");
        provider.say("accept");
        expect(await crowd.json(8_000), "outcomes of connects beyond the backlog").toEqual(
          Array(8).fill("served"),
        );
      },
    );

    check(
      "xc.restart.provider",
      "who connects while the provider restarts waits, and is served by the new one",
      async ({ appengine, control, inside, signal }) => {
        await using old = await serveLabels(inside(PROVIDER), { [PROBE_SOCKET]: "old" });
        expect(await labelAt(inside(CONSUMER)), "provider at the socket before the restart").toBe(
          "old",
        );
        await using crowd = await connectAtOnce(inside(CONSUMER), 5);
        const before = await inside(PROVIDER).pid();
        expect(
          (await control.act(PROVIDER, "restart")).status,
          "status of the restart of the provider",
        ).toBe(200);
        await until(
          "the old process to be gone",
          async () => (await appengine.sh(`kill -0 ${before}`)).exitCode !== 0,
          { signal, timeout: 10_000 },
        );
        crowd.say("connect");
        expect(await crowd.line(), "first line of the crowd").toBe("connected");
        await waitForStatus(control, PROVIDER, "STARTED", signal);
        await waitForNewInit(inside(PROVIDER), before, signal);
        await using server = await serveLabels(inside(PROVIDER), { [PROBE_SOCKET]: "new" });
        expect(await crowd.json(8_000), "providers that served the crowd").toEqual(
          Array(5).fill("new"),
        );
        expect(await labelAt(inside(CONSUMER)), "provider at the socket after the restart").toBe(
          "new",
        );
        for (const program of [old, server]) program.say("end");
      },
    );

    check(
      "xc.restart.broker",
      "a killed broker: peers see EOF, links come back, and nothing of it stays behind",
      async ({ appengine, control, inside, signal, note }) => {
        await using server = await serveLabels(inside(PROVIDER), { [PROBE_SOCKET]: "probe" });
        await worksAgain(inside(CONSUMER), signal, 10_000);
        await using session = await openSession(inside(CONSUMER));
        expect(await session.line(), "first line of the session").toBe("probe");
        expect(
          await isThere(inside("other-consumer"), OTHER_TARGET),
          "the socket of the other link is there before the kill",
        ).toBe(true);
        const broker = await brokerPid(control);
        // A link leaves the graph while the broker cannot see it: the next one has to know.
        await appengine.text(`kill -STOP ${broker}`);
        expect(
          (await control.act("other-provider", "stop")).status,
          "status of the stop of the other provider",
        ).toBe(200);
        await waitForStatus(control, "other-provider", "STOPPED", signal);
        await appengine.text(`kill -KILL ${broker}`);
        expect(await session.line(), "event of the session when the broker is killed").toBe("EOF");
        await until(
          "another broker",
          async () => ![broker, false].includes(await runningBroker(appengine, signal)),
          { signal, timeout: 10_000 },
        );
        const watch = clock.stopwatch();
        await worksAgain(inside(CONSUMER), signal, 10_000);
        note(`works ${Math.round(watch.given)} ms after the new broker's start`);
        expect(watch.given, "ms until the links were back").toBeLessThan(1_000);
        expect(
          await isThere(inside("other-consumer"), OTHER_TARGET),
          "the socket of the stopped provider is there after the kill",
        ).toBe(false);
        server.say("end");
      },
    );

    // The last one: what a second broker wipes stays so.
    check(
      "xc.two-brokers",
      "a second pv-xconnect prints the documented lines, cuts no session and breaks no socket",
      async ({ appengine, inside, signal }) => {
        await using server = await serveLabels(inside(PROVIDER), { [PROBE_SOCKET]: "probe" });
        await worksAgain(inside(CONSUMER), signal, 10_000);
        await using session = await openSession(inside(CONSUMER));
        expect(await session.line(), "first line of the session").toBe("probe");
        await using second = await BrokerByHand.start(appengine);
        const lines = await second.program.linesUntil(/^Link established: probe-consumer\/probe$/);
        expect(lines, "output of the second pv-xconnect").toEqual(
          expect.arrayContaining([
            "pv-xconnect starting...",
            "Connected to pv-ctrl",
            "Reconciling graph with 2 links",
          ]),
        );
        await second.end();
        session.say("still here");
        expect(await session.line(), "line of the session beside the second pv-xconnect").toBe(
          "still here",
        );
        await worksAgain(inside(CONSUMER), signal, 1_000);
        server.say("end");
      },
    );
  },
);

/** A consumer program: "connect" makes it open connections and say so, then print their labels. */
function connectAtOnce(container: InsideContainer, count: number): Promise<Program> {
  return Program.python(
    container,
    python`
      from probes import hold, labels, tell, unix
      hold()
      try:
          peers = [unix.connect(${PROBE_TARGET}, 8) for _ in range(${count})]
          print("connected")
          tell([labels.read(peer) for peer in peers])
      except OSError as error: print("none: " + str(error))
    `,
  );
}

/** A session that prints the lines it receives, sends those it is told, and prints EOF. */
function openSession(container: InsideContainer): Promise<Program> {
  return Program.python(
    container,
    python`
      import sys, threading
      from probes import unix
      peer = unix.connect(${PROBE_TARGET}, None)
      def receive():
          try:
              while data := peer.recv(4096): print(data.decode().strip())
              print("EOF")
          except ConnectionResetError: print("EOF")
          except OSError as error: print(error)
      threading.Thread(target=receive, daemon=True).start()
      for line in sys.stdin: peer.sendall(line.encode())
    `,
  );
}

/** Wait for the provider's answer, which the check before may have left without one. */
async function worksAgain(
  consumer: InsideContainer,
  signal: AbortSignal,
  timeout: number,
): Promise<void> {
  const works = async () => (await labelAt(consumer)) === "probe";
  await until("the link to work", works, { signal, timeout });
}

async function labelAt(container: InsideContainer): Promise<string> {
  return (await labelsAt(container, [PROBE_TARGET]))[PROBE_TARGET] ?? "";
}

async function isThere(container: InsideContainer, path: string): Promise<boolean> {
  return (await container.sh(`test -e ${path}`)).exitCode === 0;
}

async function brokerPid(control: {
  daemons(): Promise<readonly { readonly name: string; readonly pid: number }[]>;
}): Promise<number> {
  return (await control.daemons()).find(({ name }) => name === "pv-xconnect")?.pid ?? 0;
}
