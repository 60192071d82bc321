import { expect } from "../../harness/facts/expect.ts";
import { python } from "../../harness/appengine/python.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { PROBE_SOCKET, PROBE_TARGET, probeConsumer, probeProvider } from "../support/probes.ts";
import { Program } from "../support/program.ts";

scenario(
  "unix-half-close",
  {
    summary: "EOF crosses the broker at once, in both directions, and nothing is cut",
    containers: [probeProvider, probeConsumer],
    shares: "unix",
  },
  ({ check }) => {
    check("unix.half-close.to-provider", "EOF reaches the provider at once", async ({ inside }) => {
      await using provider = await Program.python(
        inside("probe-provider"),
        python`
          from probes import unix
          server = unix.listen(${PROBE_SOCKET})
          print("listening")
          peer = unix.accept(server)
          data = unix.read_to_end(peer)
          peer.sendall(b"got %d" % len(data))
          peer.close()
        `,
      );
      expect(await provider.line(), "first line of the provider").toBe("listening");
      await using consumer = await Program.python(
        inside("probe-consumer"),
        python`
          import socket, time
          from probes import tell, unix
          peer = unix.connect(${PROBE_TARGET}, 3)
          peer.sendall(b"hello")
          peer.shutdown(socket.SHUT_WR)
          begun = time.monotonic()
          try: answer = unix.read_to_end(peer).decode()
          except TimeoutError: answer = "none: the provider never saw EOF"
          tell({"answer": answer, "quick": time.monotonic() - begun < 1})
        `,
      );
      expect(
        await consumer.json(),
        "answer of the provider after the consumer's EOF, and whether it came at once",
      ).toEqual({ answer: "got 5", quick: true });
    });

    check("unix.half-close.to-consumer", "EOF reaches the consumer at once", async ({ inside }) => {
      await using provider = await Program.python(
        inside("probe-provider"),
        python`
          import socket
          from probes import tell, unix
          server = unix.listen(${PROBE_SOCKET})
          print("listening")
          peer = unix.accept(server)
          peer.sendall(b"bye")
          peer.shutdown(socket.SHUT_WR)
          try: late = unix.read_to_end(peer).decode()
          except TimeoutError: late = "none: the consumer never answered"
          tell({"late": late})
        `,
      );
      expect(await provider.line(), "first line of the provider").toBe("listening");
      await using consumer = await Program.python(
        inside("probe-consumer"),
        python`
          import time
          from probes import tell, unix
          peer = unix.connect(${PROBE_TARGET}, 3)
          begun = time.monotonic()
          try: heard = unix.read_to_end(peer).decode()
          except TimeoutError: heard = "no EOF"
          tell({"heard": heard, "quick": time.monotonic() - begun < 1})
          peer.sendall(b"late")
          peer.close()
        `,
      );
      expect(
        await consumer.json(),
        "last bytes that the consumer heard, and whether EOF came at once",
      ).toEqual({
        heard: "bye",
        quick: true,
      });
      expect(await provider.json(), "bytes that the provider got after its own EOF").toEqual({
        late: "late",
      });
    });

    check(
      "unix.no-broken-pipe",
      "a provider that answers after the consumer's EOF never sees EPIPE",
      async ({ inside }) => {
        await using provider = await Program.python(
          inside("probe-provider"),
          python`
            import time
            from probes import hold, tell, unix
            server = unix.listen(${PROBE_SOCKET})
            print("listening")
            peer = unix.accept(server, 3)
            print(peer.recv(100).decode())
            hold()
            try:
                for _ in range(64): peer.sendall(b"x" * 16384); time.sleep(0.001)
                peer.close()
                tell({"error": None})
            except OSError as error: tell({"error": str(error)})
          `,
        );
        expect(await provider.line(), "first line of the provider").toBe("listening");
        await using consumer = await Program.python(
          inside("probe-consumer"),
          python`
            import socket
            from probes import tell, unix
            peer = unix.connect(${PROBE_TARGET}, 3)
            peer.sendall(b"question")
            peer.shutdown(socket.SHUT_WR)
            print("ended")
            count = 0
            try:
                while count < 64 * 16384 and (part := peer.recv(65536)): count += len(part)
                tell({"bytes": count})
            except OSError as error: tell({"error": str(error)})
          `,
        );
        expect(await provider.line(), "line of the provider before it answers").toBe("question");
        expect(await consumer.line(), "line of the consumer after its EOF").toBe("ended");
        // Whether the EOF has reached the provider is another promise: it answers in any case.
        provider.say("answer");
        expect(await consumer.json(), "bytes of the answer that the consumer got").toEqual({
          bytes: 64 * 16384,
        });
        expect(await provider.json(), "error of the provider's answer").toEqual({ error: null });
      },
    );

    check(
      "unix.head-of-line",
      "clients that connect and close never stall a provider that serves one at a time",
      async ({ inside }) => {
        await using provider = await Program.python(
          inside("probe-provider"),
          python`
            from probes import unix
            server = unix.listen(${PROBE_SOCKET})
            print("listening")
            while True:
                peer, _ = server.accept()
                data = unix.read_to_end(peer)
                try: peer.sendall(b"answer to " + data)
                except OSError: pass
                peer.close()
          `,
        );
        expect(await provider.line(), "first line of the provider").toBe("listening");
        await using consumer = await Program.python(
          inside("probe-consumer"),
          python`
            import socket
            from probes import tell, unix
            for _ in range(10): unix.connect(${PROBE_TARGET}, 3).close()
            peer = unix.connect(${PROBE_TARGET}, 3)
            peer.sendall(b"the last one")
            peer.shutdown(socket.SHUT_WR)
            try: tell({"answer": unix.read_to_end(peer).decode()})
            except TimeoutError: tell({"answer": "none: stalled by those before"})
          `,
        );
        expect(await consumer.json(), "answer to the last client").toEqual({
          answer: "answer to the last one",
        });
      },
    );
  },
);
