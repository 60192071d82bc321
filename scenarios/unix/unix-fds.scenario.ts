import { expect } from "../../harness/facts/expect.ts";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { python, pythonFile } from "../../harness/appengine/python.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { messageConsumer, messageProvider, socketOf, targetOf } from "../support/messages.ts";
import { Program } from "../support/program.ts";

const HERE = import.meta.dirname;
const PROVIDER = "fd-provider";
const CONSUMER = "fd-consumer";
/** Makes dmabufs of memfds. */
const UDMABUF = "/dev/udmabuf";

scenario(
  "unix-fds",
  {
    summary: "fds cross the broker with their bytes, if both manifests list what they are",
    containers: [
      messageProvider(PROVIDER, {
        open: { fds: ["memfd", "pipe", "socket", "eventfd"] },
        narrow: { fds: ["pipe"] },
        buffers: { fds: ["dmabuf"] },
      }),
      messageConsumer(CONSUMER, {
        open: { fds: ["memfd", "pipe", "socket"] },
        narrow: { fds: ["memfd", "pipe", "socket"] },
        buffers: { fds: ["dmabuf"] },
      }),
    ],
    shares: "unix",
  },
  ({ check }) => {
    check(
      "unix.fd.pass",
      "fds arrive with their bytes, in order, usable, both ways",
      async ({ inside }) => {
        await using provider = await Program.python(
          inside(PROVIDER),
          pythonFile(HERE, "fds_provider.py", socketOf("open")),
        );
        expect(await provider.line(), "first line of the provider").toBe("listening");
        await using consumer = await Program.python(
          inside(CONSUMER),
          python`
            import socket
            from probes import fds, tell, unix
            peer = unix.connect(${targetOf("open")})
            try:
                peer.sendall(b"head")
                socket.send_fds(peer, [b"ab"], [fds.pipe(b"one")])
                socket.send_fds(peer, [b"cde"], [fds.pipe(b"two"), fds.pipe(b"three")])
                peer.sendall(b"tail")
                data, received, _ = unix.receive(peer, 100)
                tell([data.decode(), fds.contents(received)])
            except OSError as error: tell(str(error))
          `,
        );
        expect(await consumer.json(8_000), "bytes and fds that the consumer got").toEqual([
          "back",
          ["from the provider"],
        ]);
        expect(await provider.json(), "bytes and fds that the provider got, in order").toEqual([
          ["head", []],
          ["ab", ["one"]],
          ["cde", ["two", "three"]],
          ["tail", []],
        ]);
      },
    );

    check(
      "unix.fd.memfd",
      "a sealed memfd of the provider's is shared memory for the consumer",
      async ({ inside }) => {
        await using provider = await Program.python(
          inside(PROVIDER),
          pythonFile(HERE, "memfd_provider.py", socketOf("open")),
        );
        expect(await provider.line(), "first line of the provider").toBe("listening");
        await using consumer = await Program.python(
          inside(CONSUMER),
          python`
            import mmap, os
            from probes import tell, unix
            peer = unix.connect(${targetOf("open")})
            data, fds, _ = unix.receive(peer, 1)
            if not fds: tell({"error": "no fd came with " + repr(data)}); raise SystemExit
            memory = mmap.mmap(fds[0], 4096)
            seen, memory[5:11] = memory[0:5].decode(), b" world"
            try: os.ftruncate(fds[0], 1); seal = "broken"
            except PermissionError: seal = "holds"
            peer.sendall(b"x")
            tell({"seen": seen, "seal": seal})
          `,
        );
        expect(await consumer.json(), "content and seal of the memfd at the consumer").toEqual({
          seen: "hello",
          seal: "holds",
        });
        expect(
          await provider.json(),
          "bytes that the consumer wrote, as the provider reads them",
        ).toBe(" world");
      },
    );

    check(
      "unix.fd.dmabuf",
      "a dmabuf of the provider's is the same memory for the consumer",
      async ({ inside, appengine, skip }) => {
        const device = await appengine.sh(`stat -c '%Hr %Lr' ${UDMABUF}`);
        if (device.exitCode !== 0) {
          return skip(`${UDMABUF} is missing: no CONFIG_UDMABUF, or its module is not loaded`);
        }
        await inside(PROVIDER).text(`[ -e ${UDMABUF} ] || mknod ${UDMABUF} c ${device.stdout}`);
        await using provider = await Program.python(
          inside(PROVIDER),
          pythonFile(HERE, "memfd_provider.py", socketOf("buffers"), UDMABUF),
        );
        expect(await provider.line(), "first line of the provider").toBe("listening");
        await using consumer = await Program.python(
          inside(CONSUMER),
          python`
            import mmap
            from probes import tell, unix
            peer = unix.connect(${targetOf("buffers")})
            data, fds, _ = unix.receive(peer, 1)
            if not fds: tell("no fd came with " + repr(data)); raise SystemExit
            memory = mmap.mmap(fds[0], 4096)
            seen, memory[5:11] = memory[0:5].decode(), b" world"
            peer.sendall(b"x")
            tell(seen)
          `,
        );
        expect(await consumer.json(), "content of the dmabuf at the consumer").toBe("hello");
        expect(
          await provider.json(),
          "bytes that the consumer wrote, as the provider reads them",
        ).toBe(" world");
      },
    );

    check(
      "unix.fd.type",
      "an fd whose type nobody lists ends the session at both sides, and none stays open",
      async ({ inside, appengine, signal }) => {
        const before = await brokerFds(appengine, signal);
        for (const [service, fd] of [
          ["open", "directory"],
          ["open", "path"],
          ["open", "file"],
          ["open", "pidfd"],
          // The consumer lists it, the provider does not.
          ["narrow", "memfd"],
        ] as const) {
          expect(
            [fd, await offer(inside, service, fd)],
            `outcome of an fd of type ${fd}, which nobody lists`,
          ).toEqual([fd, REFUSED]);
        }
        await appengine.log.waitFor(/fd-consumer\/open: .*directory.* from the consumer/, {
          signal,
          timeout: 5_000,
        });
        await backAtBaseline(appengine, before, signal);
      },
    );

    check(
      "unix.fd.requirement",
      "what the export allows and the requirement does not ask for is refused",
      async ({ inside }) => {
        expect(
          await offer(inside, "open", "eventfd"),
          "outcome of an fd that the requirement does not ask for",
        ).toEqual(REFUSED);
      },
    );

    check(
      "unix.fd.flood",
      "messages of 253 fds leave none open and keep no other session waiting",
      async ({ inside, appengine, signal }) => {
        await using provider = await Program.python(
          inside(PROVIDER),
          pythonFile(HERE, "flood_provider.py", socketOf("open"), 21),
        );
        expect(await provider.line(), "first line of the provider").toBe("listening");
        const before = await brokerFds(appengine, signal);
        await using consumer = await Program.python(
          inside(CONSUMER),
          pythonFile(HERE, "flood_consumer.py", targetOf("open"), 20, 20, 253),
        );
        expect(
          await consumer.json(30_000),
          "outcome of the other session during the flood",
        ).toEqual({ bystander: "answered" });
        expect(await provider.json(), "fds that the provider got in the flood").toBe(20 * 20 * 253);
        await backAtBaseline(appengine, before, signal);
      },
      { timeout: 60_000 },
    );
  },
);

/** View of both sides of a session that was refused: nothing of the message, and an end. */
const REFUSED = { provider: [0, 0], consumer: "EOF" };

/** Let the consumer send a byte with an fd of this kind. */
async function offer(
  inside: (name: string) => InsideContainer,
  service: string,
  kind: string,
): Promise<unknown> {
  await using provider = await Program.python(
    inside(PROVIDER),
    python`
      import select, sys
      from probes import tell, unix
      server = unix.listen(${socketOf(service)})
      print("listening")
      # A line says that the consumer has had its answer.
      ready, _, _ = select.select([server, sys.stdin], [], [])
      if server not in ready: tell("no connection"); raise SystemExit
      peer = unix.accept(server)
      try: data, fds, _ = unix.receive(peer, 16)
      except ConnectionError: data, fds = b"", []
      peer.close()
      tell([len(data), len(fds)])
    `,
  );
  await provider.line();
  await using consumer = await Program.python(
    inside(CONSUMER),
    python`
      import socket
      from probes import fds, tell, unix
      peer = unix.connect(${targetOf(service)})
      try: socket.send_fds(peer, [b"x"], [fds.of_kind(${kind})])
      except BrokenPipeError: pass
      tell(unix.outcome(peer).replace("ConnectionResetError", "EOF"))
    `,
  );
  const outcome = await consumer.json(8_000);
  provider.say("over");
  return { consumer: outcome, provider: await provider.json() };
}

async function brokerFds(appengine: Appengine, signal: AbortSignal): Promise<number> {
  const daemons = await appengine.control.daemons(signal);
  const pid = daemons.find(({ name }) => name === "pv-xconnect")?.pid;
  return Number(await appengine.text(`ls /proc/${pid}/fd | wc -l`));
}

/** A session more or less may be open; 253 fds of a message may not. */
async function backAtBaseline(
  appengine: Appengine,
  before: number,
  signal: AbortSignal,
): Promise<void> {
  await until(
    `the broker's fds to be back at ${before}`,
    async () => (await brokerFds(appengine, signal)) <= before + 4,
    { signal, timeout: 5_000 },
  );
}
