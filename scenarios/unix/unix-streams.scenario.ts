import { expect } from "vitest";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { CONNECT, LISTEN, probeConsumer, probeProvider } from "../support/probes.ts";
import { Program } from "../support/program.ts";

const MiB = 1 << 20;

/**
 * Python: `exchange(peer, seed, size, other)` sends `size` bytes that follow from `seed` and
 * compares what comes with those of the seed `other`, both at once; gives the bytes that came
 * and the place of the first wrong one, or None. The pattern's length is a prime, so that no
 * lost or repeated block fits.
 */
const EXCHANGE = `
import random, threading
PERIOD = 1048573
def pattern(seed): return random.Random(seed).randbytes(PERIOD) * 3
def exchange(peer, seed, size, other):
    def pour():
        mine, sent = memoryview(pattern(seed)), 0
        while sent < size:
            at = sent % PERIOD
            sent += peer.send(mine[at:at + min(PERIOD, size - sent)])
        peer.shutdown(socket.SHUT_WR)
    sender = threading.Thread(target=pour)
    sender.start()
    theirs, received, wrong = pattern(other), 0, None
    while True:
        part = peer.recv(PERIOD)
        if not part: break
        at = received % PERIOD
        if wrong is None and part != theirs[at:at + len(part)]: wrong = received
        received += len(part)
    sender.join()
    return {"received": received, "wrong": wrong}
`;

/** Python: `stuff(peer)` sends until nothing was taken for a second, or 64 MiB were. */
const STUFF = `
import select
def stuff(peer):
    peer.setblocking(False)
    sent, block = 0, b"x" * 65536
    while sent < 64 << 20 and select.select([], [peer], [], patient(1))[1]:
        try: sent += peer.send(block)
        except BlockingIOError: pass
    return sent
`;

scenario(
  "unix-streams",
  {
    summary: "a stream link carries much, holds little and serves many at once",
    containers: [probeProvider, probeConsumer],
  },
  ({ check }) => {
    check("unix.large", "1 GiB each way at once, every byte in its place", async ({ inside }) => {
      const size = 1024 * MiB;
      await using provider = await Program.python(
        inside("probe-provider"),
        `${LISTEN}${EXCHANGE}
peer, _ = server.accept()
print(json.dumps(exchange(peer, 1, ${size}, 2)))
`,
      );
      expect(await provider.line()).toBe("listening");
      await using consumer = await Program.python(
        inside("probe-consumer"),
        `${CONNECT}${EXCHANGE}
peer = connect()
peer.settimeout(patient(20))
print(json.dumps(exchange(peer, 2, ${size}, 1)))
`,
      );
      const whole = { received: size, wrong: null };
      const limit = 60_000;
      expect(await Promise.all([consumer.json(limit), provider.json(limit)])).toEqual([
        whole,
        whole,
      ]);
    });

    check(
      "unix.backpressure",
      "sides that write and never read cost the broker under 8 MiB",
      async ({ inside, appengine, signal }) => {
        await using provider = await Program.python(
          inside("probe-provider"),
          `${LISTEN}${STUFF}
peer, _ = server.accept()
print(peer.recv(1).decode())
print(stuff(peer))
input()
`,
        );
        expect(await provider.line()).toBe("listening");
        await using consumer = await Program.python(
          inside("probe-consumer"),
          `${CONNECT}${STUFF}
peer = connect()
peer.sendall(b"1")
input()
print(stuff(peer))
input()
`,
        );
        expect(await provider.line()).toBe("1");
        const before = await brokerMemory(appengine, signal);
        consumer.say("go");
        const taken = await Promise.all([consumer.line(30_000), provider.line(30_000)]);
        const grown = (await brokerMemory(appengine, signal)) - before;
        for (const bytes of taken) expect(Number(bytes)).toBeLessThan(8 * MiB);
        expect(grown).toBeLessThan(8 * MiB);
      },
    );

    check("unix.many", "2,000 sessions open at once, each answered", async ({ inside }) => {
      await using provider = await Program.python(
        inside("probe-provider"),
        `${LISTEN}
import resource, selectors
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
ready = selectors.DefaultSelector()
ready.register(server, selectors.EVENT_READ)
while True:
    for key, _ in ready.select():
        if key.fileobj is server: ready.register(server.accept()[0], selectors.EVENT_READ)
        else:
            data = key.fileobj.recv(100)
            if data: key.fileobj.sendall(b"answer " + data)
            else: ready.unregister(key.fileobj); key.fileobj.close()
`,
      );
      expect(await provider.line()).toBe("listening");
      await using consumer = await Program.python(
        inside("probe-consumer"),
        `${CONNECT}
import resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
outcome = {"answered": 0, "errors": []}
try:
    peers = [connect() for _ in range(2000)]
    for number, peer in enumerate(peers): peer.settimeout(patient(20)); peer.sendall(b"%d" % number)
    for number, peer in enumerate(peers):
        outcome["answered"] += peer.recv(100) == b"answer %d" % number
except OSError as error: outcome["errors"].append(str(error))
print(json.dumps(outcome))
`,
      );
      expect(await consumer.json(60_000)).toEqual({ answered: 2000, errors: [] });
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
