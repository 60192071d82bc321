import { clock } from "../../harness/clock/clock.ts";
import { pythonFile } from "../../harness/appengine/python.ts";
import { expect } from "../../harness/facts/expect.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { appenginePython } from "../support/appengine-python.ts";
import { BrokerByHand } from "../support/broker-by-hand.ts";
import { Program } from "../support/program.ts";
import { CONTROL_SOCKET } from "../../harness/appengine/layout.ts";

const OK = /^HTTP\/1\.[01] 200 /;

scenario(
  "host-header-dos",
  {
    summary: "no Host header, however wrong, keeps pv-ctrl from answering",
    containers: ["pv-example-unix-server", "pv-example-unix-client"],
    shares: "control",
  },
  ({ check }) => {
    for (const [id, what, request] of [
      [
        "ctrl.host.missing",
        "a request without Host is answered as for localhost",
        "GET /containers HTTP/1.1\r\n\r\n",
      ],
      ["ctrl.host.empty", "an empty Host is answered", "GET /containers HTTP/1.1\r\nHost:\r\n\r\n"],
    ] as const) {
      check(id, what, async ({ appengine, signal }) => {
        const answer = await appengine.rawControl(request, {
          timeout: 3_000,
          enough: /\r\n\r\n/,
          signal,
        });
        expect(answer.bytes.toString(), `reply to a request with ${what}`).toMatch(OK);
        expect(answer.ms, "ms until the reply").toBeLessThan(1_000);
      });
    }

    check(
      "ctrl.host.foreign",
      "a foreign Host gets a JSON error and a close",
      async ({ appengine, signal }) => {
        for (const host of ["evil.example", "127.0.0.1", "[::1]", "/run/x", "localhost.evil"]) {
          const request = `GET /containers HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
          const answer = await appengine.rawControl(request, { timeout: 3_000, signal });
          const [head = "", body = ""] = answer.bytes.toString().split("\r\n\r\n");
          expect(head, `first line of the reply to Host ${host}`).toMatch(/^HTTP\/1\.1 4\d\d /);
          expect(JSON.parse(body), `body of the reply to Host ${host}`).toHaveProperty("Error");
          expect(answer.closed, `pv-ctrl closes the connection of Host ${host}`).toBe(true);
        }
      },
    );

    check(
      "ctrl.host.dos",
      "200 bad and slow clients leave /containers answering within 1 s",
      async ({ appengine, signal }) => {
        const program = pythonFile(import.meta.dirname, "flood.py", CONTROL_SOCKET, 200);
        const flood = await appenginePython(appengine, program);
        await using clients = await Program.start(
          appengine,
          ["sh", "-c", `exec ${flood}`],
          "flood",
        );
        expect(await clients.line(20_000), "first line of the 200 clients").toBe("ready");
        for (let round = 0; round < 5; round += 1) {
          const watch = clock.stopwatch();
          const reply = await appengine.control.send("GET", "/containers", {
            timeout: 3_000,
            signal,
          });
          expect(reply.status, "status of GET /containers beside 200 bad clients").toBe(200);
          expect(watch.given, "ms of GET /containers beside 200 bad clients").toBeLessThan(1_000);
        }
        const fresh = await appengine.rawControl("GET /containers HTTP/1.0\r\n\r\n", {
          timeout: 3_000,
          signal,
        });
        expect(fresh.bytes.toString(), "reply on a new connection beside 200 bad clients").toMatch(
          OK,
        );
      },
    );

    check(
      "ctrl.after-xconnect",
      "the API answers after a pv-xconnect run by hand has reconciled",
      async ({ appengine, signal }) => {
        await using broker = await BrokerByHand.start(appengine);
        await broker.program.linesUntil(/^Reconciling graph with/, 10_000);
        for (const path of ["/containers", "/xconnect-graph", "/daemons"]) {
          const answer = await appengine.rawControl(
            `GET ${path} HTTP/1.0\r\nHost: localhost\r\n\r\n`,
            {
              timeout: 3_000,
              signal,
            },
          );
          expect(
            answer.bytes.toString(),
            `reply to GET ${path} after the pv-xconnect by hand`,
          ).toMatch(OK);
          expect(answer.ms, `ms of GET ${path} after the pv-xconnect by hand`).toBeLessThan(1_000);
        }
        await broker.end();
      },
    );
  },
);
