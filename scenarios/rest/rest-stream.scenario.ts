import { expect } from "vitest";
import { scenario } from "../../harness/run/scenario.ts";
import { Program } from "../support/program.ts";
import {
  DIAL,
  SERVE,
  WEB_SOCKET,
  WEB_TARGET,
  restProvider,
  restViewer,
} from "../support/rest-probes.ts";

/** Bytes of the large bodies. */
const LARGE = 256 * 1024 * 1024;

scenario(
  "rest-stream",
  {
    summary: "uploads, event streams, large bodies, Expect and Upgrade pass as they are sent",
    containers: [restProvider, restViewer],
  },
  ({ check }) => {
    check(
      "rest.stream",
      "chunked uploads, server-sent events, large bodies, Expect and an allowed Upgrade",
      async ({ inside }) => {
        await using provider = await Program.python(inside("rest-provider"), PROVIDER);
        expect(await provider.line()).toBe("listening");
        const run = async (source: string): Promise<unknown> => {
          await using program = await Program.python(inside("rest-viewer"), `${DIAL}${source}`);
          return await program.json(60_000);
        };
        expect(await run(TALKS_WHILE_UPLOADING)).toEqual(["got one", "got two", "got three"]);
        expect(await run(READS_EVENTS)).toEqual(["1", "2", "3"]);
        expect(await run(EXPECTS)).toEqual({ interim: "100", answer: "got 7" });
        expect(await run(IS_TURNED_AWAY)).toEqual({ status: "417", connection: "close" });
        expect(await run(CHANGES_PROTOCOL)).toEqual({
          allowed: "101",
          echo: "one two",
          other: "200",
        });
        expect(await run(SENDS_AND_FETCHES_MUCH)).toEqual({
          sent: "the same",
          fetched: "the same",
        });
      },
    );
  },
);

const PROVIDER = `${SERVE}
ticks = threading.Semaphore(0)
pattern = bytes(range(256)) * 4096
def say(peer, status, body=b"", more=b""):
    peer.sendall(b"HTTP/1.1 %s\\r\\nContent-Length: %d\\r\\n%s\\r\\n" % (status, len(body), more) + body)
def chunk(peer, data): peer.sendall(b"%x\\r\\n%s\\r\\n" % (len(data), data))
def handle(peer, file):
    while True:
        head = read_head(file)
        if head is None: return
        method, target, fields = head
        length = int(fields.get("content-length", 0))
        if target == "/talk":
            peer.sendall(b"HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n")
            while True:
                size = int(file.readline().split(b";")[0], 16)
                data = file.read(size)
                file.readline()
                chunk(peer, b"got " + data if size else b"")
                if size == 0: break
        elif target == "/events":
            peer.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\n\\r\\n")
            for n in range(1, 4):
                ticks.acquire()
                peer.sendall(b"data: %d\\n\\n" % n)
            return
        elif target == "/tick":
            ticks.release()
            say(peer, b"204 No Content")
        elif target == "/expect":
            peer.sendall(b"HTTP/1.1 100 Continue\\r\\n\\r\\n")
            say(peer, b"200 OK", b"got %d" % len(file.read(length)))
        elif target == "/never":
            say(peer, b"417 Expectation Failed", b"", b"Connection: close\\r\\n")
            return
        elif target == "/echo" and fields.get("upgrade") == "echo":
            peer.sendall(b"HTTP/1.1 101 Switching\\r\\nConnection: upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n")
            peer.sendall(file.read())
            return
        elif target == "/large" and method == "PUT":
            digest, left = hashlib.sha256(), length
            while left:
                data = file.read1(min(left, 1 << 20))
                if not data: return
                digest.update(data)
                left -= len(data)
            say(peer, b"200 OK", digest.hexdigest().encode())
        elif target == "/large":
            peer.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: ${LARGE}\\r\\n\\r\\n")
            for _ in range(${LARGE} // len(pattern)): peer.sendall(pattern)
        else: say(peer, b"200 OK", b"plain")
serve("${WEB_SOCKET}", handle)
print("listening")
time.sleep(120)
`;

/** Sends a chunk only when the one before has been answered. */
const TALKS_WHILE_UPLOADING = `
peer = connect("${WEB_TARGET}")
peer.sendall(b"POST /talk HTTP/1.1\\r\\nHost: x\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n")
heard = []
try:
    for word in [b"one", b"two", b"three"]:
        peer.sendall(b"%x;an=extension\\r\\n%s\\r\\n" % (len(word), word))
        answer = read_until(peer, b"got " + word + b"\\r\\n")
        heard.append(answer.decode().split("\\r\\n")[-2])
    peer.sendall(b"0\\r\\n\\r\\n")
    if not read_until(peer, b"0\\r\\n\\r\\n"): heard.append("no end")
except TimeoutError: heard.append("silence")
print(json.dumps(heard))
`;

/** Another connection makes each event, once the one before has arrived. */
const READS_EVENTS = `
events, ticks = connect("${WEB_TARGET}"), connect("${WEB_TARGET}")
events.sendall(b"GET /events HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
heard = []
try:
    for _ in range(3):
        ticks.sendall(b"POST /tick HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 0\\r\\n\\r\\n")
        read_until(ticks, b"\\r\\n\\r\\n")
        data = b""
        while b"data: " not in data: data += read_until(events, b"\\n\\n")
        heard.append(data.split()[-1].decode())
    if read_until(events): heard.append("more")
except TimeoutError: heard.append("silence")
print(json.dumps(heard))
`;

const EXPECTS = `
peer = connect("${WEB_TARGET}")
peer.sendall(b"PUT /expect HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 7\\r\\nExpect: 100-continue\\r\\n\\r\\n")
interim = read_until(peer, b"\\r\\n\\r\\n").split()[1]
peer.sendall(b"content")
answer = read_until(peer, b"7").partition(b"\\r\\n\\r\\n")[2]
print(json.dumps({"interim": interim.decode(), "answer": answer.decode()}))
`;

/** The answer comes while the body is being sent, and the provider closes. */
const IS_TURNED_AWAY = `
peer = connect("${WEB_TARGET}")
peer.sendall(b"PUT /never HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 4000000\\r\\n\\r\\n")
try: peer.sendall(b"x" * 4000000)
except OSError: pass
answer = read_until(peer).decode()
close = "close" if "Connection: close" in answer else "open"
print(json.dumps({"status": answer.split()[1], "connection": close}))
`;

const CHANGES_PROTOCOL = `
def ask(protocol):
    peer = connect("${WEB_TARGET}")
    peer.sendall(b"GET /echo HTTP/1.1\\r\\nHost: x\\r\\nConnection: Upgrade\\r\\nUpgrade: %s\\r\\n\\r\\n" % protocol)
    return peer, read_until(peer, b"plain" if protocol != b"echo" else b"\\r\\n\\r\\n").decode().split()[1]
peer, allowed = ask(b"echo")
peer.sendall(b"one ")
peer.sendall(b"two")
peer.shutdown(socket.SHUT_WR)
echo = read_until(peer).decode()
print(json.dumps({"allowed": allowed, "echo": echo, "other": ask(b"other")[1]}))
`;

const SENDS_AND_FETCHES_MUCH = `
pattern = bytes(range(256)) * 4096
whole = hashlib.sha256()
for _ in range(${LARGE} // len(pattern)): whole.update(pattern)
peer = connect("${WEB_TARGET}")
peer.settimeout(patient(30))
peer.sendall(b"PUT /large HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: ${LARGE}\\r\\n\\r\\n")
for _ in range(${LARGE} // len(pattern)): peer.sendall(pattern)
answer = read_until(peer, whole.hexdigest().encode())
sent = "the same" if answer.endswith(whole.hexdigest().encode()) else "changed"
peer.sendall(b"GET /large HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
data = b""
while b"\\r\\n\\r\\n" not in data: data += peer.recv(65536)
data = data.partition(b"\\r\\n\\r\\n")[2]
digest, left = hashlib.sha256(data), ${LARGE} - len(data)
while left:
    data = peer.recv(min(left, 1 << 20))
    if not data: break
    digest.update(data)
    left -= len(data)
fetched = "the same" if digest.digest() == whole.digest() else "changed"
print(json.dumps({"sent": sent, "fetched": fetched}))
`;
