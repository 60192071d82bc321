import { expect } from "../../harness/facts/expect.ts";
import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { python, pythonFile } from "../../harness/appengine/python.ts";
import type { PythonProgram } from "../../harness/appengine/python.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { propertyOf } from "../../harness/thrown.ts";
import { messageConsumer, messageProvider, socketOf, targetOf } from "../support/messages.ts";
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
    shares: "unix",
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
          python`
            from probes import tell, unix
            server = unix.listen(${socketOf("line")})
            print("listening")
            peer, heard = unix.accept(server), b""
            try:
                while part := peer.recv(4096): heard += part
            except TimeoutError: pass
            tell(heard.decode().split("\n"))
          `,
          python`
            import socket
            from probes import hold, tell, unix
            peer = unix.connect(${targetOf("line")})
            peer.sendall(${forged}.encode() + b"\n")
            peer.shutdown(socket.SHUT_WR)
            tell(None)
            hold()
          `,
        );
        expect(heard, "lines that the provider heard").toEqual([identity, forged, ""]);

        const { heard: packets } = await hear(
          inside,
          python`
            import socket
            from probes import tell, unix
            server = unix.listen(${socketOf("packet")}, socket.SOCK_SEQPACKET)
            print("listening")
            peer = unix.accept(server)
            tell([peer.recv(4096).decode() for _ in range(2)])
          `,
          python`
            import socket
            from probes import hold, tell, unix
            peer = unix.connect(${targetOf("packet")}, kind=socket.SOCK_SEQPACKET)
            peer.send(${forged}.encode())
            tell(None)
            hold()
          `,
        );
        expect(packets, "packets that the provider heard").toEqual([identity, forged]);
      },
    );

    check(
      "unix.seqpacket",
      "packets stay apart, of any size, and the end comes behind the last one",
      async ({ inside }) => {
        const { heard, said } = await hear(
          inside,
          python`
            import socket
            from probes import tell, unix
            server = unix.listen(${socketOf("packets")}, socket.SOCK_SEQPACKET)
            print("listening")
            peer = unix.accept(server)
            seen = [len(peer.recv(1 << 20)) for _ in range(6)]
            peer.send(b"one")
            peer.send(b"two")
            tell(seen)
          `,
          python`
            import socket
            from probes import hold, tell, unix
            try: peer = unix.connect(${targetOf("packets")}, kind=socket.SOCK_SEQPACKET)
            except OSError as error: tell({"error": str(error)}); raise SystemExit
            for size in (1, 0, 7, 100000, 2): peer.send(b"x" * size)
            peer.shutdown(socket.SHUT_WR)
            tell([peer.recv(100).decode() for _ in range(2)])
            hold()
          `,
        );
        expect(
          { heard, said },
          "sizes of packets at the provider, and packets at the consumer",
        ).toEqual({ heard: [1, 0, 7, 100_000, 2, 0], said: ["one", "two"] });
      },
    );

    check(
      "unix.cmsg",
      "identity comes beside the bytes: a sealed handle with the first, credentials with all",
      async ({ inside }) => {
        const { heard } = await hear(
          inside,
          pythonFile(import.meta.dirname, "marked_provider.py", socketOf("marked")),
          python`
            from probes import hold, tell, unix
            peer = unix.connect(${targetOf("marked")})
            for word in (b"first", b"second"):
                peer.sendall(word)
                peer.recv(1)
            tell(None)
            hold()
          `,
        );
        const ids = [[1002, 1002]];
        const handle = ['{"client":"identity-viewer","role":"viewer"}', true];
        expect(heard, "bytes, credentials and handles at the provider").toEqual([
          { data: "first", ids, handles: [handle] },
          { data: "second", ids, handles: [] },
        ]);
      },
    );

    check(
      "unix.role-socket",
      "each role reaches the socket that bears its name",
      async ({ inside }) => {
        const names = ["legacy", "legacy.admin", "legacy.viewer"];
        const sockets = Object.fromEntries(names.map((name) => [name, socketOf(name)]));
        await using provider = await Program.python(
          inside(PROVIDER),
          python`
            from probes import hold, unix
            def greet(name):
                return lambda peer: peer.sendall(name.encode())
            for name, path in ${sockets}.items(): unix.serve(path, greet(name))
            print("listening")
            hold()
          `,
        );
        expect(await provider.line(), "first line of the provider").toBe("listening");
        for (const [container, expected] of [
          [VIEWER, "legacy.viewer"],
          [ADMIN, "legacy.admin"],
        ] as const) {
          await using consumer = await Program.python(
            inside(container),
            python`
              from probes import tell, unix
              tell(unix.connect(${targetOf("legacy")}).recv(100).decode())
            `,
          );
          expect(await consumer.json(), "role socket that the provider was reached at").toBe(
            expected,
          );
        }
      },
    );
  },
);

/**
 * Run the provider's program, which says "listening", and then the consumer's.
 * @returns what each of them tells; nothing of a provider whose consumer tells an error
 */
async function hear(
  inside: (name: string) => InsideContainer,
  provide: PythonProgram,
  consume: PythonProgram,
): Promise<{ heard: unknown; said: unknown }> {
  await using provider = await Program.python(inside(PROVIDER), provide);
  await provider.line();
  await using consumer = await Program.python(inside(VIEWER), consume);
  const said = await consumer.json();
  if (propertyOf(said, "error") !== undefined) return { heard: [], said };
  return { heard: await provider.json(), said };
}
