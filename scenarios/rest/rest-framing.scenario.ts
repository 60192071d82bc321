import { expect } from "../../harness/facts/expect.ts";
import { python, pythonFile } from "../../harness/appengine/python.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { Program } from "../support/program.ts";
import {
  GUARDED_SOCKET,
  GUARDED_TARGET,
  WEB_SOCKET,
  WEB_TARGET,
  restAdmin,
  restProvider,
  restViewer,
} from "../support/rest-probes.ts";

scenario(
  "rest-framing",
  {
    summary: "answers end where they should, slow heads are cut, rules hold in every spelling",
    containers: [restProvider, restViewer, restAdmin],
    shares: "rest",
  },
  ({ check }) => {
    check(
      "rest.eof",
      "an HTTP/1.0 answer without length ends for the client when the provider closes",
      async ({ inside }) => {
        await using provider = await Program.python(
          inside("rest-provider"),
          python`
            from probes import hold, http1, unix
            def handle(peer):
                http1.read_head(peer.makefile("rb"))
                peer.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
                for _ in range(8): peer.sendall(b"x" * 4096)
            unix.serve(${WEB_SOCKET}, handle)
            print("listening")
            hold()
          `,
        );
        expect(await provider.line(), "first line of the provider").toBe("listening");
        await using consumer = await Program.python(
          inside("rest-viewer"),
          python`
            import time
            from probes import tell, unix
            peer = unix.connect(${WEB_TARGET})
            peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
            begun = time.monotonic()
            try:
                head, _, body = unix.read_to_end(peer).partition(b"\r\n\r\n")
                quick = time.monotonic() - begun < 10
                tell({"head": head.decode(), "body": len(body), "quick": quick})
            except TimeoutError: tell("the answer never ends")
          `,
        );
        expect(
          await consumer.json(10_000),
          "head and body bytes that the client read until EOF, and whether EOF came within 10 s",
        ).toEqual({ head: "HTTP/1.0 200 OK", body: 8 * 4096, quick: true });
      },
    );

    check(
      "rest.rules",
      "declared methods and paths per role are enforced with 403",
      async ({ inside }) => {
        await using provider = await Program.python(
          inside("rest-provider"),
          pythonFile(import.meta.dirname, "recording_server.py", GUARDED_SOCKET),
        );
        expect(await provider.line(), "first line of the provider").toBe("listening");
        const statuses = async (container: string, requests: readonly string[]) => {
          await using program = await Program.python(
            inside(container),
            python`
              import socket
              from probes import tell, unix
              statuses = []
              for request in ${requests}:
                  peer = unix.connect(${GUARDED_TARGET})
                  peer.sendall((request + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").encode())
                  peer.shutdown(socket.SHUT_WR)
                  with peer.makefile("rb") as reply: line = reply.readline().split()
                  statuses.append(int(line[1]) if line else "EOF")
              tell(statuses)
            `,
          );
          return await program.json(15_000);
        };
        const asked: readonly [request: string, viewer: number, admin: number][] = [
          ["GET /public", 200, 200],
          ["GET /public/a?b=/../c", 200, 200],
          ["GET http://x/public", 200, 200],
          ["GET /publicity", 403, 200],
          ["POST /public", 403, 403],
          ["GET /state", 200, 200],
          ["GET /secret", 403, 200],
          ["GET http://public/secret", 403, 200],
          ["DELETE /secret", 403, 200],
          ["HEAD /public", 403, 403],
          ["GET /public/../secret", 400, 400],
          ["GET /public/%2e%2e/secret", 400, 400],
          ["GET /public%2F..%2fsecret", 400, 400],
          ["GET //secret", 400, 400],
          ["GET /public\\..\\secret", 400, 400],
        ];
        const requests = asked.map(([request]) => request);
        const viewer = await statuses("rest-viewer", requests);
        expect(viewer, "statuses that the viewer got").toEqual(asked.map(([, status]) => status));
        expect(await statuses("rest-admin", requests), "statuses that the admin got").toEqual(
          asked.map(([, , status]) => status),
        );

        // The provider's own word, and one connection that goes on behind a 403.
        await using last = await Program.python(
          inside("rest-viewer"),
          python`
            import json
            from probes import tell, unix
            peer = unix.connect(${GUARDED_TARGET})
            get = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"
            peer.sendall(get % b"/secret" + get % b"/state/last")
            answer = unix.read_until(peer, b"]").decode()
            tell([answer.split()[1], json.loads(answer[answer.index("["):])])
          `,
        );
        const admins = ["/public", "/public/a?b=/../c", "/public", "/publicity", "/state"];
        expect(
          await last.json(),
          "status of the last request, and the requests that the provider got",
        ).toEqual([
          "403",
          [
            ...["/public", "/public/a?b=/../c", "/public", "/state"].map((path) => `GET ${path}`),
            ...[...admins, "/secret", "/secret"].map((path) => `GET ${path}`),
            "DELETE /secret",
            "GET /state/last",
          ],
        ]);
      },
    );

    check(
      "rest.slowloris",
      "slow heads are cut by the limit; others are served",
      async ({ inside }) => {
        await using provider = await Program.python(
          inside("rest-provider"),
          pythonFile(import.meta.dirname, "recording_server.py", WEB_SOCKET),
        );
        expect(await provider.line(), "first line of the provider").toBe("listening");
        await using slow = await Program.python(
          inside("rest-viewer"),
          pythonFile(import.meta.dirname, "slow_heads.py", WEB_TARGET, 100),
        );
        expect(await slow.line(), "first line of the slow client").toBe("dripping");
        await using served = await Program.python(
          inside("rest-admin"),
          python`
            import time
            from probes import tell, unix
            begun = time.monotonic()
            peer = unix.connect(${WEB_TARGET})
            for n in range(20):
                peer.sendall(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % n)
                unix.read_until(peer, b'/%d"]' % n)
            tell({"quick": time.monotonic() - begun < 5})
          `,
        );
        expect(await served.json(10_000), "the other client is served").toEqual({ quick: true });
        expect(await slow.json(30_000), "connections with a slow head that were cut").toEqual({
          cut: 100,
        });
      },
    );
  },
);
