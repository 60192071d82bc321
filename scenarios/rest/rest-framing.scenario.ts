import { expect } from "vitest";
import { scenario } from "../../harness/run/scenario.ts";
import { Program } from "../support/program.ts";
import {
  DIAL,
  GUARDED_SOCKET,
  GUARDED_TARGET,
  SERVE,
  WEB_SOCKET,
  WEB_TARGET,
  restAdmin,
  restProvider,
  restViewer,
} from "../support/rest-probes.ts";

/** Answers every request with the targets that have reached it so far on this socket. */
const RECORDING = `
def recording():
    seen = []
    def handle(peer, file):
        while True:
            head = read_head(file)
            if head is None: return
            seen.append(head[0] + " " + head[1])
            body = json.dumps(seen).encode()
            peer.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
    return handle
`;

scenario(
  "rest-framing",
  {
    summary: "answers end where they should, slow heads are cut, rules hold in every spelling",
    containers: [restProvider, restViewer, restAdmin],
  },
  ({ check }) => {
    check(
      "rest.eof",
      "an HTTP/1.0 answer without length ends for the client when the provider closes",
      async ({ inside }) => {
        await using provider = await Program.python(
          inside("rest-provider"),
          `${SERVE}
def handle(peer, file):
    read_head(file)
    peer.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n")
    for _ in range(8): peer.sendall(b"x" * 4096)
serve("${WEB_SOCKET}", handle)
print("listening")
time.sleep(60)
`,
        );
        expect(await provider.line()).toBe("listening");
        await using consumer = await Program.python(
          inside("rest-viewer"),
          `${DIAL}
peer = connect("${WEB_TARGET}")
peer.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
try:
    head, _, body = read_until(peer).partition(b"\\r\\n\\r\\n")
    print(json.dumps({"head": head.decode(), "body": len(body)}))
except TimeoutError: print(json.dumps("the answer never ends"))
`,
        );
        expect(await consumer.json(10_000)).toEqual({ head: "HTTP/1.0 200 OK", body: 8 * 4096 });
      },
    );

    check(
      "rest.rules",
      "declared methods and paths per role are enforced with 403",
      async ({ inside }) => {
        await using provider = await Program.python(
          inside("rest-provider"),
          `${SERVE}${RECORDING}
serve("${GUARDED_SOCKET}", recording())
print("listening")
time.sleep(60)
`,
        );
        expect(await provider.line()).toBe("listening");
        const statuses = async (container: string, requests: readonly string[]) => {
          await using program = await Program.python(
            inside(container),
            `${DIAL}
statuses = []
for request in ${JSON.stringify(requests)}:
    peer = connect("${GUARDED_TARGET}")
    peer.sendall((request + " HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n").encode())
    peer.shutdown(socket.SHUT_WR)
    statuses.append(int(read_until(peer).split()[1]))
print(json.dumps(statuses))
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
        expect(viewer).toEqual(asked.map(([, status]) => status));
        expect(await statuses("rest-admin", requests)).toEqual(asked.map(([, , status]) => status));

        // The provider's own word, and one connection that goes on behind a 403.
        await using last = await Program.python(
          inside("rest-viewer"),
          `${DIAL}
peer = connect("${GUARDED_TARGET}")
peer.sendall(b"GET /secret HTTP/1.1\\r\\nHost: x\\r\\n\\r\\nGET /state/last HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
answer = read_until(peer, b"]").decode()
print(json.dumps([answer.split()[1], json.loads(answer[answer.index("["):])]))
`,
        );
        const admins = ["/public", "/public/a?b=/../c", "/public", "/publicity", "/state"];
        expect(await last.json()).toEqual([
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
          `${SERVE}${RECORDING}
serve("${WEB_SOCKET}", recording())
print("listening")
time.sleep(60)
`,
        );
        expect(await provider.line()).toBe("listening");
        await using slow = await Program.python(
          inside("rest-viewer"),
          `${DIAL}
peers = [connect("${WEB_TARGET}") for _ in range(100)]
for peer in peers: peer.sendall(b"GET /slow HTTP/1.1\\r\\n")
print("dripping")
waiting, cut, limit = list(peers), 0, time.monotonic() + 20
while waiting and time.monotonic() < limit:
    time.sleep(0.5)
    for peer in list(waiting):
        try: peer.sendall(b"X: y\\r\\n")
        except OSError: pass
        peer.setblocking(False)
        try: answer = peer.recv(65536)
        except BlockingIOError: continue
        except OSError: answer = b""
        waiting.remove(peer)
        cut += answer.startswith(b"HTTP/1.1 408 ")
print(json.dumps({"cut": cut}))
`,
        );
        expect(await slow.line()).toBe("dripping");
        await using served = await Program.python(
          inside("rest-admin"),
          `${DIAL}
begun = time.monotonic()
peer = connect("${WEB_TARGET}")
for n in range(20):
    peer.sendall(b"GET /%d HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" % n)
    read_until(peer, b'/%d"]' % n)
print(json.dumps({"quick": time.monotonic() - begun < 5}))
`,
        );
        expect(await served.json(10_000)).toEqual({ quick: true });
        expect(await slow.json(30_000)).toEqual({ cut: 100 });
      },
    );
  },
);
