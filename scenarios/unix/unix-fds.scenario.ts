import { expect } from "vitest";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { MESSAGES, messageConsumer, messageProvider } from "../support/messages.ts";
import { Program } from "../support/program.ts";

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
  },
  ({ check }) => {
    check(
      "unix.fd.pass",
      "fds arrive with their bytes, in order, usable, both ways",
      async ({ inside }) => {
        await using provider = await Program.python(
          inside(PROVIDER),
          `${MESSAGES}
server = listen("open")
print("listening")
peer = accept(server)
seen = []
for size in (4, 2, 3, 4):
    data, fds, _ = receive(peer, size)
    seen.append([data.decode(), [os.read(fd, 64).decode() for fd in fds]])
    for fd in fds: os.close(fd)
r, w = os.pipe()
os.write(w, b"from the provider")
socket.send_fds(peer, [b"back"], [r])
tell(seen)
`,
        );
        expect(await provider.line()).toBe("listening");
        await using consumer = await Program.python(
          inside(CONSUMER),
          `${MESSAGES}
def pipe(text):
    r, w = os.pipe()
    os.write(w, text)
    return r
peer = connect("open")
peer.sendall(b"head")
socket.send_fds(peer, [b"ab"], [pipe(b"one")])
socket.send_fds(peer, [b"cde"], [pipe(b"two"), pipe(b"three")])
peer.sendall(b"tail")
data, fds, _ = receive(peer, 100)
tell([data.decode(), [os.read(fd, 64).decode() for fd in fds]])
`,
        );
        expect(await provider.json()).toEqual([
          ["head", []],
          ["ab", ["one"]],
          ["cde", ["two", "three"]],
          ["tail", []],
        ]);
        expect(await consumer.json()).toEqual(["back", ["from the provider"]]);
      },
    );

    check(
      "unix.fd.memfd",
      "a sealed memfd of the provider's is shared memory for the consumer",
      async ({ inside }) => {
        await using provider = await Program.python(
          inside(PROVIDER),
          `${MESSAGES}
server = listen("open")
print("listening")
peer = accept(server)
memfd = os.memfd_create("frames", os.MFD_ALLOW_SEALING)
os.ftruncate(memfd, 4096)
fcntl.fcntl(memfd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
memory = mmap.mmap(memfd, 4096)
memory[0:5] = b"hello"
socket.send_fds(peer, [b"m"], [memfd])
peer.recv(1)
tell(memory[5:11].decode())
`,
        );
        expect(await provider.line()).toBe("listening");
        await using consumer = await Program.python(
          inside(CONSUMER),
          `${MESSAGES}
peer = connect("open")
data, fds, _ = receive(peer, 1)
if not fds: tell({"error": "no fd came with " + repr(data)}); raise SystemExit
memory = mmap.mmap(fds[0], 4096)
seen = memory[0:5].decode()
memory[5:11] = b" world"
try: os.ftruncate(fds[0], 1); seal = "broken"
except PermissionError: seal = "holds"
peer.sendall(b"x")
tell({"seen": seen, "seal": seal})
`,
        );
        expect(await consumer.json()).toEqual({ seen: "hello", seal: "holds" });
        expect(await provider.json()).toBe(" world");
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
          `${MESSAGES}
server = listen("buffers")
print("listening")
peer = accept(server)
memfd = os.memfd_create("buffer", os.MFD_ALLOW_SEALING)
os.ftruncate(memfd, 4096)
fcntl.fcntl(memfd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
memory = mmap.mmap(memfd, 4096)
memory[0:5] = b"hello"
# UDMABUF_CREATE, linux/udmabuf.h: struct { u32 memfd, flags; u64 offset, size; }
udmabuf = os.open("${UDMABUF}", os.O_RDWR)
buffer = fcntl.ioctl(udmabuf, 0x40187542, struct.pack("IIQQ", memfd, 0, 0, 4096))
socket.send_fds(peer, [b"b"], [buffer])
peer.recv(1)
tell(memory[5:11].decode())
`,
        );
        expect(await provider.line()).toBe("listening");
        await using consumer = await Program.python(
          inside(CONSUMER),
          `${MESSAGES}
peer = connect("buffers")
data, fds, _ = receive(peer, 1)
if not fds: tell("no fd came with " + repr(data)); raise SystemExit
memory = mmap.mmap(fds[0], 4096)
seen = memory[0:5].decode()
memory[5:11] = b" world"
peer.sendall(b"x")
tell(seen)
`,
        );
        expect(await consumer.json()).toBe("hello");
        expect(await provider.json()).toBe(" world");
      },
    );

    check(
      "unix.fd.type",
      "an fd whose type nobody lists ends the session at both sides, and none stays open",
      async ({ inside, appengine, signal }) => {
        const before = await brokerFds(appengine, signal);
        for (const [service, fd] of [
          ["open", 'os.open("/", os.O_RDONLY | os.O_DIRECTORY)'],
          ["open", 'os.open("/etc/passwd", os.O_PATH)'],
          ["open", 'os.open("/etc/passwd", os.O_RDONLY)'],
          ["open", "os.pidfd_open(os.getpid())"],
          // The consumer lists it, the provider does not.
          ["narrow", 'os.memfd_create("m")'],
        ] as const) {
          expect([fd, await offer(inside, service, fd)]).toEqual([fd, REFUSED]);
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
        expect(await offer(inside, "open", "os.eventfd(0)")).toEqual(REFUSED);
      },
    );

    check(
      "unix.fd.flood",
      "messages of 253 fds leave none open and keep no other session waiting",
      async ({ inside, appengine, signal }) => {
        await using provider = await Program.python(
          inside(PROVIDER),
          `${MESSAGES}
server = listen("open")
print("listening")
total = 0
lock = threading.Lock()
def serve(peer):
    global total
    while True:
        data, fds, _ = receive(peer, 1)
        for fd in fds: os.close(fd)
        with lock: total += len(fds)
        if not data: return
        peer.sendall(data)
threads = [threading.Thread(target=serve, args=(accept(server),)) for _ in range(21)]
for thread in threads: thread.start()
for thread in threads: thread.join()
tell(total)
`,
        );
        expect(await provider.line()).toBe("listening");
        const before = await brokerFds(appengine, signal);
        await using consumer = await Program.python(
          inside(CONSUMER),
          `${MESSAGES}
r, w = os.pipe()
def flood():
    peer = connect("open")
    for _ in range(20):
        socket.send_fds(peer, [b"f"], [r] * 253)
        if not peer.recv(1): return
    peer.close()
threads = [threading.Thread(target=flood) for _ in range(20)]
bystander = connect("open")
for thread in threads: thread.start()
answers = 0
while any(thread.is_alive() for thread in threads):
    bystander.sendall(b"x")
    if bystander.recv(1) != b"x": break
    answers += 1
bystander.close()
tell({"bystander": "answered" if answers > 0 else "not answered"})
`,
        );
        expect(await consumer.json(30_000)).toEqual({ bystander: "answered" });
        expect(await provider.json()).toBe(20 * 20 * 253);
        await backAtBaseline(appengine, before, signal);
      },
      { timeout: 60_000 },
    );
  },
);

/** View of both sides of a session that was refused: nothing of the message, and an end. */
const REFUSED = { provider: [0, 0], consumer: "EOF" };

/** Let the consumer send a byte with the fd that the Python expression makes. */
async function offer(
  inside: (name: string) => InsideContainer,
  service: string,
  expression: string,
): Promise<unknown> {
  await using provider = await Program.python(
    inside(PROVIDER),
    `${MESSAGES}
server = listen("${service}")
print("listening")
peer = accept(server)
try: data, fds, _ = receive(peer, 16)
except ConnectionError: data, fds = b"", []
peer.close()
tell([len(data), len(fds)])
`,
  );
  await provider.line();
  await using consumer = await Program.python(
    inside(CONSUMER),
    `${MESSAGES}
peer = connect("${service}")
socket.send_fds(peer, [b"x"], [${expression}])
tell(outcome(peer).replace("ConnectionResetError", "EOF"))
`,
  );
  return { provider: await provider.json(), consumer: await consumer.json() };
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
