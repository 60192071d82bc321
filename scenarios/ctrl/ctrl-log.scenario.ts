import { STORAGE } from "../../harness/appengine/layout.ts";
import { python } from "../../harness/appengine/python.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { expect } from "../../harness/facts/expect.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { Program } from "../support/program.ts";

const SENDER = "log-sender";
const LOGS = `${STORAGE}/logs/0`;
const SOCKET = "/pantavisor/pv-ctrl-log";

/** Each message comes from a file of its own. */
const MESSAGES: Readonly<Record<string, readonly [socket: string, message: string]>> = {
  json: [SOCKET, '{"version":"0","level":"INFO","src":"json","message":"hello by json"}'],
  pairs: [SOCKET, 'level=WARN src=pairs message="hello by pairs"'],
  syslog: ["/dev/log", "<134>May 15 16:48:18 host syslog[7]: hello by syslog"],
  modern: ["/dev/log", "<134>1 2026-05-15T16:48:18Z host modern 7 - - hello by modern"],
  binary: [SOCKET, "\0\0\0\0\x22\0\0\x003\0elsewhere\0binary\0hello by binary"],
  ".._.._escape": [SOCKET, "level=INFO src=../../escape message='hello"],
};

scenario(
  "ctrl-log",
  {
    summary: "containers log through pantavisor's socket, in any of its formats",
    containers: [defineContainer({ name: SENDER, args: { PV_ROLES: ["nobody"] } })],
    until: "ready",
  },
  ({ check }) => {
    check(
      "ctrl.log.socket",
      "each message is a line of its sender's and source's file; others are told of and dropped",
      async ({ appengine, inside, signal }) => {
        await using sender = await Program.python(inside(SENDER), send(Object.values(MESSAGES)));
        expect(await sender.line(), "word of the sender").toBe("sent");
        for (const [file, [, message]] of Object.entries(MESSAGES)) {
          const text = /'?hello.*?(?="|$)/.exec(message)?.[0] ?? "";
          await until(
            `a line of ${file}`,
            async () => (await read(`${LOGS}/${SENDER}/${file}`)) === `${text}\n`,
            { signal, timeout: 10_000 },
          );
        }
        await using other = await Program.python(
          inside(SENDER),
          send([
            [SOCKET, "no format at all"],
            [SOCKET, '{"version":"7","level":"INFO","src":"json","message":"another version"}'],
            [SOCKET, "level=TRACE src=pairs message=too-fine"],
            [SOCKET, "level=INFO src=last message=last"],
          ]),
        );
        expect(await other.line(), "word of the other sender").toBe("sent");
        await until(
          "the line behind those that are dropped",
          async () => (await read(`${LOGS}/${SENDER}/last`)) === "last\n",
          { signal, timeout: 10_000 },
        );
        expect(await read(`${LOGS}/${SENDER}/json`), "file of the source json").toBe(
          "hello by json\n",
        );
        expect(await read(`${LOGS}/${SENDER}/pairs`), "file of the source pairs").toBe(
          "hello by pairs\n",
        );
        expect(
          await read(`${LOGS}/pantavisor/pantavisor.log`),
          "pantavisor.log about what was dropped",
        ).toMatch(/WARN\t -- \[logserver\]: .*a message of 'log-sender' is none of the formats/);

        async function read(path: string): Promise<string> {
          return await appengine.text(`cat ${path} 2>/dev/null || true`, { signal });
        }
      },
    );

    check(
      "ctrl.log.datagram",
      "both sockets take two datagrams of one sender",
      async ({ appengine, inside, signal }) => {
        for (const path of [SOCKET, "/dev/log"]) {
          const source = path.replaceAll("/", "-");
          await using sender = await Program.python(
            inside(SENDER),
            python`
              import socket, sys
              sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
              error = sender.connect_ex(${path})
              for number in range(0 if error else 2):
                  sender.send(b"level=INFO src=%s message=%d" % (${source}.encode(), number))
              print(error)
              sys.stdin.read()
            `,
          );
          expect(await sender.line(), `errno of connecting a socket for datagrams to ${path}`).toBe(
            "0",
          );
          await until(
            `both lines of ${path}`,
            async () =>
              (await appengine.text(`cat ${LOGS}/${SENDER}/${source} 2>/dev/null || true`, {
                signal,
              })) === "0\n1\n",
            { signal, timeout: 10_000 },
          );
        }
      },
    );
  },
);

/**
 * It stays until it is told to end: pantavisor looks at who has sent a message. As syslog(3) does, it takes a
 * connection where the socket is not for datagrams.
 */
function send(messages: readonly (readonly [socket: string, message: string])[]) {
  return python`
    import errno, socket, sys
    for path, message in ${messages.map((one) => [...one])}:
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try: sender.connect(path)
        except OSError as error:
            if error.errno != errno.EPROTOTYPE: raise
            sender = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sender.connect(path)
        sender.send(message.encode("latin1"))
    print("sent", flush=True)
    sys.stdin.read()
  `;
}
