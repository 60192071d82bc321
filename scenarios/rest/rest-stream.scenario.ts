import { expect } from "../../harness/facts/expect.ts";
import { python, pythonFile } from "../../harness/appengine/python.ts";
import type { PythonProgram } from "../../harness/appengine/python.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { Program } from "../support/program.ts";
import { WEB_SOCKET, WEB_TARGET, restProvider, restViewer } from "../support/rest-probes.ts";

/** Bytes of the large bodies. */
const LARGE = 256 * 1024 * 1024;

scenario(
  "rest-stream",
  {
    summary: "uploads, event streams, large bodies, Expect and Upgrade pass as they are sent",
    containers: [restProvider, restViewer],
    shares: "rest",
  },
  ({ check }) => {
    check(
      "rest.stream",
      "chunked uploads, server-sent events, large bodies, Expect and an allowed Upgrade",
      async ({ inside }) => {
        await using provider = await Program.python(inside("rest-provider"), PROVIDER);
        expect(await provider.line(), "first line of the provider").toBe("listening");
        const run = async (client: PythonProgram): Promise<unknown> => {
          await using program = await Program.python(inside("rest-viewer"), client);
          return await program.json(60_000);
        };
        expect(await run(TALKS_WHILE_UPLOADING), "replies while the client uploads").toEqual([
          "got one",
          "got two",
          "got three",
        ]);
        expect(await run(READS_EVENTS), "server-sent events that the client got").toEqual([
          "1",
          "2",
          "3",
        ]);
        expect(await run(EXPECTS), "interim status and reply to Expect").toEqual({
          interim: "100",
          answer: "got 7",
        });
        expect(await run(IS_TURNED_AWAY), "reply to an Expect that the provider refuses").toEqual({
          status: "417",
          connection: "close",
        });
        expect(
          await run(CHANGES_PROTOCOL),
          "statuses of an allowed Upgrade and of another, and the echo",
        ).toEqual({
          allowed: "101",
          echo: "one two",
          other: "200",
        });
        expect(await run(SENDS_AND_FETCHES_MUCH), "large bodies, sent and fetched").toEqual({
          sent: "the same",
          fetched: "the same",
        });
      },
    );
  },
);

const PROVIDER = pythonFile(import.meta.dirname, "stream_provider.py", WEB_SOCKET, LARGE);

/** Sends a chunk only when the one before has been answered. */
const TALKS_WHILE_UPLOADING = pythonFile(
  import.meta.dirname,
  "talks_while_uploading.py",
  WEB_TARGET,
);

/** Another connection makes each event, once the one before has arrived. */
const READS_EVENTS = pythonFile(import.meta.dirname, "reads_events.py", WEB_TARGET);

const EXPECTS = python`
  from probes import tell, unix
  peer = unix.connect(${WEB_TARGET})
  peer.sendall(b"PUT /expect HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\n")
  interim = unix.read_until(peer, b"\r\n\r\n").split()[1]
  peer.sendall(b"content")
  answer = unix.read_until(peer, b"7").partition(b"\r\n\r\n")[2]
  tell({"interim": interim.decode(), "answer": answer.decode()})
`;

/** The answer comes while the body is being sent, and the provider closes. */
const IS_TURNED_AWAY = python`
  from probes import tell, unix
  peer = unix.connect(${WEB_TARGET})
  peer.sendall(b"PUT /never HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n")
  try: peer.sendall(b"x" * 4000000)
  except OSError: pass
  answer = unix.read_to_end(peer).decode()
  close = "close" if "Connection: close" in answer else "open"
  tell({"status": answer.split()[1], "connection": close})
`;

const CHANGES_PROTOCOL = pythonFile(import.meta.dirname, "changes_protocol.py", WEB_TARGET);

const SENDS_AND_FETCHES_MUCH = pythonFile(
  import.meta.dirname,
  "sends_and_fetches.py",
  WEB_TARGET,
  LARGE,
);
