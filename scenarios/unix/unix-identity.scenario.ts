import { expect } from "vitest";
import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { MESSAGES, messageConsumer, messageProvider } from "../support/messages.ts";
import { Program } from "../support/program.ts";

const PROVIDER = "identity-provider";
const VIEWER = "identity-viewer";
const ADMIN = "identity-admin";

scenario(
  "unix-identity",
  {
    summary: "a raw socket's provider learns client and role in the way that it chose",
    containers: [
      messageProvider(PROVIDER, {
        line: { identity: "greeting" },
        packet: { identity: "greeting", socketType: "seqpacket" },
        packets: { socketType: "seqpacket" },
        marked: { identity: "cmsg" },
        legacy: { identity: "role-socket" },
      }),
      messageConsumer(VIEWER, {
        line: { role: "viewer" },
        packet: { role: "viewer" },
        packets: {},
        marked: { role: "viewer" },
        legacy: { role: "viewer" },
      }),
      messageConsumer(ADMIN, { legacy: { role: "admin" } }),
    ],
  },
  ({ check }) => {
    check(
      "unix.greeting",
      "the identity is the first line or packet, once, whatever the consumer says",
      async ({ inside }) => {
        const identity = '{"client":"identity-viewer","role":"viewer"}';
        const forged = '{"client":"identity-admin","role":"admin"}';
        const { heard } = await hear(
          inside,
          `
peer = accept(server)
data = b""
while True:
    part = peer.recv(4096)
    if not part: break
    data += part
tell(data.decode().split("\\n"))
`,
          "line",
          "STREAM",
          `peer.sendall(b'${forged}\\n')\npeer.shutdown(socket.SHUT_WR)`,
        );
        expect(heard).toEqual([identity, forged, ""]);

        const { heard: packets } = await hear(
          inside,
          `
peer = accept(server)
tell([peer.recv(4096).decode() for _ in range(2)])
`,
          "packet",
          "SEQPACKET",
          `peer.send(b'${forged}')`,
        );
        expect(packets).toEqual([identity, forged]);
      },
    );

    check(
      "unix.seqpacket",
      "packets stay apart, of any size, and the end comes behind the last one",
      async ({ inside }) => {
        const { heard, said } = await hear(
          inside,
          `
peer = accept(server)
seen = [len(peer.recv(1 << 20)) for _ in range(6)]
peer.send(b"one")
peer.send(b"two")
tell(seen)
`,
          "packets",
          "SEQPACKET",
          `
for size in (1, 0, 7, 100000, 2): peer.send(b"x" * size)
peer.shutdown(socket.SHUT_WR)
said = [peer.recv(100).decode() for _ in range(2)]
`,
        );
        expect({ heard, said }).toEqual({ heard: [1, 0, 7, 100_000, 2, 0], said: ["one", "two"] });
      },
    );

    check(
      "unix.cmsg",
      "identity comes beside the bytes: a sealed handle with the first, credentials with all",
      async ({ inside }) => {
        const { heard } = await hear(
          inside,
          `
server.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
peer = accept(server)
peer.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
seen = []
for _ in range(2):
    data, fds, control = receive(peer, 100)
    peer.sendall(b"+")
    ids = [list(struct.unpack("iII", value)[1:]) for _, kind, value in control if kind == socket.SCM_CREDENTIALS]
    handles = []
    for fd in fds:
        try: os.ftruncate(fd, 0); sealed = False
        except PermissionError: sealed = True
        handles.append([os.read(fd, 4096).decode(), sealed])
    seen.append({"data": data.decode(), "ids": ids, "handles": handles})
tell(seen)
`,
          "marked",
          "STREAM",
          `
peer.sendall(b"first")
peer.recv(1)
peer.sendall(b"second")
peer.recv(1)
`,
        );
        const ids = [[1002, 1002]];
        const handle = ['{"client":"identity-viewer","role":"viewer"}', true];
        expect(heard).toEqual([
          { data: "first", ids, handles: [handle] },
          { data: "second", ids, handles: [] },
        ]);
      },
    );

    check(
      "unix.role-socket",
      "each role reaches the socket that bears its name",
      async ({ inside }) => {
        await using provider = await Program.python(
          inside(PROVIDER),
          `${MESSAGES}
servers = {name: listen(name) for name in ("legacy", "legacy.admin", "legacy.viewer")}
print("listening")
def serve(name, server):
    while True:
        try: peer = accept(server)
        except TimeoutError: return
        peer.sendall(name.encode())
        peer.close()
for name, server in servers.items(): threading.Thread(target=serve, args=(name, server)).start()
`,
        );
        expect(await provider.line()).toBe("listening");
        for (const [container, expected] of [
          [VIEWER, "legacy.viewer"],
          [ADMIN, "legacy.admin"],
        ] as const) {
          await using consumer = await Program.python(
            inside(container),
            `${MESSAGES}
tell(connect("legacy").recv(100).decode())
`,
          );
          expect(await consumer.json()).toBe(expected);
        }
      },
    );
  },
);

/**
 * Run the provider's side on the service's `server` and the consumer's on its `peer`.
 * @returns what the provider tells, and the consumer's `said`
 */
async function hear(
  inside: (name: string) => InsideContainer,
  provide: string,
  service: string,
  kind: "STREAM" | "SEQPACKET",
  consume: string,
): Promise<{ heard: unknown; said: unknown }> {
  await using provider = await Program.python(
    inside(PROVIDER),
    `${MESSAGES}
server = listen("${service}", socket.SOCK_${kind})
print("listening")
${provide}`,
  );
  await provider.line();
  await using consumer = await Program.python(
    inside(VIEWER),
    `${MESSAGES}
peer = connect("${service}", socket.SOCK_${kind})
said = None
${consume}
tell(said)
input()
`,
  );
  const said = await consumer.json();
  return { heard: await provider.json(), said };
}
