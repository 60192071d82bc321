import { expect } from "../../harness/facts/expect.ts";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import { python, pythonFile } from "../../harness/appengine/python.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { PROBE_SOCKET, PROBE_TARGET, probeConsumer, probeProvider } from "../support/probes.ts";
import { Program } from "../support/program.ts";

const MiB = 1 << 20;

scenario(
  "unix-streams",
  {
    summary: "a stream link carries much, holds little and serves many at once",
    containers: [probeProvider, probeConsumer],
    shares: "unix",
  },
  ({ check }) => {
    check("unix.large", "1 GiB each way at once, every byte in its place", async ({ inside }) => {
      const size = 1024 * MiB;
      await using provider = await Program.python(
        inside("probe-provider"),
        python`
          from probes import streams, tell, unix
          server = unix.listen(${PROBE_SOCKET})
          print("listening")
          peer, _ = server.accept()
          tell(streams.exchange(peer, 1, ${size}, 2))
        `,
      );
      expect(await provider.line(), "first line of the provider").toBe("listening");
      await using consumer = await Program.python(
        inside("probe-consumer"),
        python`
          from probes import streams, tell, unix
          tell(streams.exchange(unix.connect(${PROBE_TARGET}, 20), 2, ${size}, 1))
        `,
      );
      const whole = { received: size, wrong: null };
      const limit = 60_000;
      expect(
        await Promise.all([consumer.json(limit), provider.json(limit)]),
        "streams of 1 GiB at the consumer and at the provider",
      ).toEqual([whole, whole]);
    });

    check(
      "unix.backpressure",
      "sides that write and never read cost the broker under 8 MiB",
      async ({ inside, appengine, signal }) => {
        await using provider = await Program.python(
          inside("probe-provider"),
          python`
            from probes import hold, streams, unix
            server = unix.listen(${PROBE_SOCKET})
            print("listening")
            peer = unix.accept(server)
            print(peer.recv(1).decode())
            print(streams.stuff(peer))
            hold()
          `,
        );
        expect(await provider.line(), "first line of the provider").toBe("listening");
        await using consumer = await Program.python(
          inside("probe-consumer"),
          python`
            from probes import hold, streams, unix
            peer = unix.connect(${PROBE_TARGET}, 3)
            peer.sendall(b"1")
            hold()
            print(streams.stuff(peer))
            hold()
          `,
        );
        expect(await provider.line(), "sessions at the provider").toBe("1");
        const before = await brokerMemory(appengine, signal);
        consumer.say("go");
        const taken = await Promise.all([consumer.line(30_000), provider.line(30_000)]);
        const grown = (await brokerMemory(appengine, signal)) - before;
        for (const bytes of taken)
          expect(Number(bytes), "bytes that the consumer could write").toBeLessThan(8 * MiB);
        expect(grown, "bytes by which the broker's memory grew").toBeLessThan(8 * MiB);
      },
    );

    check("unix.many", "2,000 sessions open at once, each answered", async ({ inside }) => {
      await using provider = await Program.python(
        inside("probe-provider"),
        pythonFile(import.meta.dirname, "answer_many.py", PROBE_SOCKET),
      );
      expect(await provider.line(), "first line of the provider").toBe("listening");
      await using consumer = await Program.python(
        inside("probe-consumer"),
        python`
          from probes import streams, tell, unix
          streams.all_files()
          outcome = {"answered": 0, "errors": []}
          try:
              peers = [unix.connect(${PROBE_TARGET}, 20) for _ in range(2000)]
              for number, peer in enumerate(peers): peer.sendall(b"%d" % number)
              for number, peer in enumerate(peers):
                  outcome["answered"] += peer.recv(100) == b"answer %d" % number
          except OSError as error: outcome["errors"].append(str(error))
          tell(outcome)
        `,
      );
      expect(await consumer.json(60_000), "sessions that were answered, and their errors").toEqual({
        answered: 2000,
        errors: [],
      });
    });
  },
);

/** Resident bytes of pv-xconnect. */
async function brokerMemory(appengine: Appengine, signal: AbortSignal): Promise<number> {
  const daemons = await appengine.control.daemons(signal);
  const pid = daemons.find(({ name }) => name === "pv-xconnect")?.pid ?? -1;
  const stdout = await appengine.text(`awk '/^VmRSS/ { print $2 }' /proc/${pid}/status`);
  return Number(stdout.trim()) * 1024;
}
