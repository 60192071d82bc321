import { clock } from "../../harness/clock/clock.ts";
import { expect } from "../../harness/facts/expect.ts";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import type { BrokerStatus } from "../../broker/shared/formats/broker-status.ts";
import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { askBroker } from "../../harness/appengine/ask-broker.ts";
import { patientSeconds, python, pythonFile } from "../../harness/appengine/python.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { appenginePython } from "../support/appengine-python.ts";
import { serveLabels } from "../support/labels.ts";
import { PROBE_SOCKET, PROBE_TARGET, probeProvider } from "../support/probes.ts";
import { Program } from "../support/program.ts";
import { restartBroker } from "../support/steps.ts";

const BUS = "pv-example-dbus-server";
const BUS_TARGET = "/run/dbus/system_bus_socket";
const API_TARGET = "/run/pv/services/api.sock";
const API_SOCKET = "/run/api/a.sock";
const TIMES = 1_000;
/** Milliseconds on the wall: less than those after which a broker may drop a session for its silence alone. */
const SILENCE = 45_000;
/** Sessions of one kind that a consumer leaves. */
const ABANDONED = 50;
/** Descriptors that the broker may have, so that they can run out in this check. */
const FILES = 512;

const api = defineContainer({
  name: "api",
  args: { PV_RESTART_POLICY: "container" },
  services: [{ name: "api", type: "rest", socket: API_SOCKET }],
});
const user = (name: string) =>
  defineContainer({
    name,
    args: {
      PV_RESTART_POLICY: "container",
      PV_SERVICES_REQUIRED: [
        { name: "probe", target: PROBE_TARGET },
        { name: "api", target: API_TARGET },
        { name: "system-bus", role: "root", target: BUS_TARGET },
      ],
    },
  });

scenario(
  "xconnect-load",
  {
    summary: "many connections, many reconciles, and a consumer that wants everything",
    containers: [probeProvider, api, BUS, user("modest"), user("greedy")],
  },
  ({ check }) => {
    // The first one: sessions that a broker still holds from before would count as those of its start.
    check(
      "xc.abandoned",
      `${ABANDONED} sessions of each kind whose consumer has gone leave no descriptor, though their providers hold them`,
      async ({ appengine, inside, signal }) => {
        await using plain = await holdAll(inside("probe-provider"), PROBE_SOCKET);
        await using http = await holdAll(inside("api"), API_SOCKET);
        const before = await steadyFiles(appengine, signal);
        await using consumer = await Program.python(
          inside("modest"),
          python`
            from probes import hold, unix
            peers = []
            for _ in range(${ABANDONED}):
                for path in (${PROBE_TARGET}, ${API_TARGET}):
                    peers.append(unix.connect(path, waits=True))
                    peers[-1].sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            hold()
            for peer in peers: peer.close()
            print("abandoned")
            hold()
          `,
        );
        for (const provider of [plain, http]) {
          expect(await provider.line(20_000), "sessions that reached the provider").toBe("all");
        }
        consumer.say("go");
        expect(await consumer.line(), "line of the consumer").toBe("abandoned");
        const watch = clock.stopwatch();
        await until(
          "the descriptors to be as few as before",
          async () => (await openFiles(appengine)) <= before + 8 || watch.wall > SILENCE,
          { signal, timeout: 5_000, every: 100 },
        ).catch(() => undefined);
        expect(
          await openFiles(appengine),
          `open descriptors of pv-xconnect 5 s after ${2 * ABANDONED} sessions were abandoned by their consumer`,
        ).toBeLessThanOrEqual(before + 8);
        for (const program of [plain, http, consumer]) program.say("end");
      },
      { timeout: 60_000 },
    );

    check(
      "xc.fd-leak",
      `${TIMES} connects of each kind leave the broker's descriptors as they were`,
      async ({ appengine, inside, signal, note }) => {
        await using server = await serveLabels(inside("probe-provider"), {
          [PROBE_SOCKET]: "probe",
        });
        await using http = await serveHttp(appengine);
        await connectEach(appengine, 20);
        const before = await steadyFiles(appengine, signal);
        await connectEach(appengine, TIMES);
        const after = await until(
          "the descriptors to be as few as before",
          async () => {
            const open = await openFiles(appengine);
            return open <= before + 8 && open;
          },
          { signal, timeout: 5_000, every: 100 },
        ).catch(() => openFiles(appengine));
        note(`${before} descriptors before, ${after} after 3 times ${TIMES} connects`);
        expect(after, "open descriptors of the broker after the load").toBeLessThanOrEqual(
          before + 8,
        );
        for (const program of [server, http]) program.say("end");
      },
      { timeout: 60_000 },
    );

    check(
      "xc.reconcile-idempotent",
      "reconciling the same graph 1,000 times changes nothing and leaks nothing",
      async ({ appengine, inside, signal, skip, note }) => {
        const before = await askBroker(appengine, signal);
        if (before === undefined) return skip("this broker does not tell how often it reconciles");
        const facts = `stat -c '%i %n' ${PROBE_TARGET} ${API_TARGET} ${BUS_TARGET}`;
        const sockets = await inside("modest").text(facts);
        const added = /^(Adding|Re-establishing|Removing) link/;
        const lines = async () =>
          (await appengine.log.lines()).filter(({ message }) => added.test(message)).length;
        const [files, logged] = [await steadyFiles(appengine, signal), await lines()];
        const wanted = before.reconciles + 1_000;
        const hangups = await appenginePython(
          appengine,
          python`
            import os, time
            for _ in range(200): os.kill(${before.pid}, 1); time.sleep(0.002)
          `,
        );
        const begun = performance.now();
        await appengine.text(hangups, { signal });
        if (await onlyPolls(appengine, before, signal)) {
          return skip("this broker reconciles at its polls only: 1,000 of them take too long");
        }
        await until(
          "1,000 reconciles",
          async () => {
            await appengine.text(hangups, { signal });
            return ((await askBroker(appengine, signal))?.reconciles ?? 0) >= wanted;
          },
          { signal, timeout: 40_000 },
        );
        note(`1,000 reconciles in ${Math.round(performance.now() - begun)} ms`);
        expect(
          await inside("modest").text(facts),
          "sockets in the consumer after 1,000 reconciliations",
        ).toBe(sockets);
        expect(await lines(), "lines of pv-xconnect after 1,000 reconciliations").toBe(logged);
        expect(
          await steadyFiles(appengine, signal),
          "open descriptors of the broker after 1,000 reconciliations",
        ).toBeLessThanOrEqual(files + 8);
      },
      { timeout: 60_000 },
    );

    check(
      "xc.limits",
      "a consumer that opens connections without end does not keep another from being served",
      async ({ appengine, inside, signal, note }) => {
        await using http = await serveHttp(appengine);
        // The broker inherits what pantavisor has.
        await appengine.text(
          `prlimit --pid "$(pgrep -o -x pantavisor)" --nofile=${FILES}:${FILES}`,
        );
        await restartBroker(appengine, signal);
        const works = () => get(appengine, "modest");
        await until("the link to work", async () => (await works()) === "200", {
          signal,
          timeout: 8_000,
        });
        await using greedy = await Program.python(
          inside("greedy"),
          python`
            from probes import hold, unix
            peers = []
            try:
                while len(peers) < ${2 * FILES}: peers.append(unix.connect(${API_TARGET}, 2, waits=True))
            except OSError: pass
            print(len(peers))
            hold()
          `,
        );
        const open = Number(await greedy.line(20_000));
        note(`${open} connections wait or are open`);
        // Without them the other consumer would be served in any case.
        expect(open, "connections that the greedy consumer holds").toBeGreaterThan(50);
        const answers: string[] = [];
        while (answers.length < 10 && answers.at(-1) !== "000") answers.push(await works());
        expect(answers, "statuses of the other consumer's requests").toEqual(Array(10).fill("200"));
        for (const program of [greedy, http]) program.say("end");
      },
      { timeout: 60_000 },
    );
  },
);

/** True when a broker that answers as before has not reconciled for the hang-ups that it got. */
async function onlyPolls(
  appengine: Appengine,
  before: BrokerStatus,
  signal: AbortSignal,
): Promise<boolean> {
  const reacts = async (): Promise<boolean> => {
    const now = await askBroker(appengine, signal);
    return now === undefined || now.pid !== before.pid || now.reconciles > before.reconciles + 2;
  };
  return until("a reconcile for a hang-up", reacts, { signal, timeout: 3_000, every: 100 }).then(
    () => false,
    async () => (await askBroker(appengine, signal))?.pid === before.pid,
  );
}

/** A provider that takes connections, says "all" once it has all that are to be abandoned, and ends none. */
async function holdAll(container: InsideContainer, socket: string): Promise<Program> {
  const program = await Program.python(
    container,
    python`
      from probes import hold, unix
      server = unix.listen(${socket}, backlog=128)
      print("listening")
      peers = [unix.accept(server) for _ in range(${ABANDONED})]
      print("all")
      hold()
    `,
  );
  expect(await program.line(), "first line of the provider").toBe("listening");
  return program;
}

/** A minimal HTTP server in `api`: 200 to every request head, then close. */
async function serveHttp(appengine: Appengine): Promise<Program> {
  const program = await Program.python(
    appengine.inside("api"),
    python`
      from probes import hold, http1, unix
      def handle(peer):
          http1.read_head(peer.makefile("rb"))
          http1.reply(peer, b"200 OK", b"ok", b"Connection: close\r\n")
      unix.serve(${API_SOCKET}, handle)
      print("listening")
      hold()
    `,
  );
  await program.line();
  return program;
}

/** Status of a request to the api, as curl sees it; 000 for none. */
async function get(appengine: Appengine, name: string): Promise<string> {
  const curl = `curl -s -o /dev/null -m ${patientSeconds(3)} -w '%{http_code}'`;
  // An answer whose end does not come is an answer.
  const { stdout } = await appengine
    .inside(name)
    .sh(`${curl} --unix-socket ${API_TARGET} http://localhost/`, { timeout: 10_000 });
  return stdout;
}

/** Connect to each kind of service, so that each session reaches its provider. */
async function connectEach(appengine: Appengine, times: number): Promise<void> {
  const stdout = await appengine
    .inside("modest")
    .python(pythonFile(import.meta.dirname, "connect_each.py", times, PROBE_TARGET, API_TARGET), {
      timeout: 50_000,
    });
  expect(JSON.parse(stdout), "answers to the connects, by kind").toEqual({
    unix: times,
    rest: times,
    dbus: times,
  });
}

async function openFiles(appengine: Appengine): Promise<number> {
  const stdout = await appengine.text('ls "/proc/$(pgrep -o -x pv-xconnect)/fd" | wc -l');
  return Number(stdout.trim());
}

/** The number of descriptors once it has stopped falling. */
async function steadyFiles(appengine: Appengine, signal: AbortSignal): Promise<number> {
  let last = Infinity;
  return await until(
    "the number of descriptors to settle",
    async () => {
      const open = await openFiles(appengine);
      const settled = open >= last && open;
      last = open;
      return settled;
    },
    { signal, timeout: 10_000, every: 200 },
  );
}
