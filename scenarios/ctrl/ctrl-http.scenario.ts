import { clock } from "../../harness/clock/clock.ts";
import { patientSeconds, pythonFile } from "../../harness/appengine/python.ts";
import { expect } from "../../harness/facts/expect.ts";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import { CONTROL_SOCKET } from "../../harness/appengine/layout.ts";
import { reasonOf } from "../../harness/control/control-client.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { appenginePython } from "../support/appengine-python.ts";
import { repliesOf, wholeRequest } from "../support/control-probe.ts";
import type { RawReply } from "../support/control-probe.ts";
import { waitForStatus } from "../support/steps.ts";

const IDLE = "http-idle";
const STUBBORN = "http-stubborn";
const container = { args: { PV_RESTART_POLICY: "container" } };

scenario(
  "ctrl-http",
  {
    summary: "pv-ctrl answers each request once, and bad ones with a 4xx and the reason",
    containers: [
      defineContainer({ name: IDLE, ...container }),
      defineContainer({ name: STUBBORN, program: "/usr/lib/pv-example/stubborn", ...container }),
    ],
    shares: "control",
  },
  ({ check }) => {
    check("ctrl.no-body", "a PUT without a body is a 400", async ({ appengine, signal }) => {
      for (const path of [`/containers/${IDLE}`, "/daemons/pv-xconnect"]) {
        for (const length of ["", "Content-Length: 0\r\n"]) {
          const head = `PUT ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${length}`;
          const [reply, ...more] = await ask(appengine, `${head}\r\n`, signal);
          expect(
            [path, length, reply?.status, more],
            "status of a PUT without a body, and what follows it",
          ).toEqual([path, length, 400, []]);
          expect(errorIn(reply), "reason of the refusal").toMatch(/body/);
        }
      }
    });

    check("ctrl.large-body", "an oversized body gets one reply", async ({ appengine, signal }) => {
      for (const [method, path, size] of [
        ["PUT", `/containers/${IDLE}`, 2_000],
        ["PUT", "/daemons/pv-xconnect", 2_000],
        ["PUT", "/user-meta/large", 5_000],
        ["POST", "/commands", 100_000],
      ] as const) {
        const body = JSON.stringify({ action: "stop", x: "x".repeat(size) });
        const replies = await ask(appengine, wholeRequest(method, path, body), signal);
        expect(
          [path, replies.map(({ status }) => status)],
          "statuses of the replies to an oversized body",
        ).toEqual([path, [413]]);
        expect(errorIn(replies[0]), "reason of the refusal").toMatch(/larger/);
      }
    });

    check(
      "ctrl.malformed",
      "garbage, bad JSON, wrong types and unknown actions are 400 with a reason",
      async ({ appengine, control, signal }) => {
        for (const garbage of ["\x16\x03\x01\x02garbage\r\n\r\n", "GET\r\n\r\n", "HELLO\r\n\r\n"]) {
          const [reply, ...more] = await ask(appengine, garbage, signal);
          expect(
            [garbage, reply?.status, more],
            "status of the reply to garbage, and what follows it",
          ).toEqual([garbage, 400, []]);
          expect(errorIn(reply), "reason of the refusal").toBeTruthy();
        }
        const bodies = ["{", "hello", "[]", '"stop"', "{}", '{"action":1}', '{"action":"STOP"}'];
        for (const body of bodies) {
          for (const [method, path] of [
            ["PUT", `/containers/${IDLE}`],
            ["POST", "/commands"],
            ["POST", "/signal"],
          ] as const) {
            const reply = await control.send(method, path, { body, signal });
            expect([path, body, reply.status], "status of the reply to this body").toEqual([
              path,
              body,
              400,
            ]);
            expect(reasonOf(reply), "reason of the refusal").not.toBe("");
          }
        }
        expect(
          (await control.container(IDLE, signal)).status,
          "status of the container after refused requests",
        ).toBe("STARTED");
      },
    );

    check("ctrl.unknown-path", "an unknown path is a 404", async ({ control, signal }) => {
      for (const path of ["/", "/nosuch", "/containers/", `/containers/${IDLE}/x`, '/"quoted"']) {
        const reply = await control.send("GET", path, { signal });
        expect([path, reply.status], "status of GET on an unknown path").toEqual([path, 404]);
        expect(reasonOf(reply), "reason of the refusal").toContain(path);
      }
    });

    check(
      "ctrl.wrong-method",
      "a wrong method is a 405 with Allow",
      async ({ control, signal }) => {
        for (const [method, path, allow] of [
          ["PUT", "/containers", "GET"],
          ["DELETE", "/daemons", "GET"],
          ["GET", `/containers/${IDLE}`, "PUT"],
          ["GET", "/commands", "POST"],
          ["GET", "/user-meta/x", "PUT, DELETE"],
        ] as const) {
          const reply = await control.send(method, path, { signal });
          expect([method, path, reply.status], "status of a wrong method").toEqual([
            method,
            path,
            405,
          ]);
          expect(reply.headers["allow"], "header Allow of the refusal").toBe(allow);
        }
      },
    );

    check(
      "ctrl.pipelining",
      "pipelined, chunked, split and half-closed requests each get their reply",
      async ({ appengine, signal }) => {
        const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
        const three = get("/daemons") + get("/groups") + wholeRequest("GET", "/drivers");
        const pipelined = await ask(appengine, three, signal);
        expect(
          pipelined.map(({ status }) => status),
          "statuses of three pipelined requests",
        ).toEqual([200, 200, 200]);
        expect(pipelined[0]?.body, "reply to the first of the pipelined requests").toContain(
          "pv-xconnect",
        );
        expect(pipelined[1]?.body, "reply to the second of the pipelined requests").toContain(
          "status_goal",
        );
        expect(pipelined[2]?.body, "reply to the third of the pipelined requests").toBe("{}");

        const head = "PUT /containers/nosuch HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
        const chunks = '7\r\n{"actio\r\na\r\nn":"stop"}\r\n0\r\n\r\n';
        const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}`;
        expect(
          (await ask(appengine, chunked, signal)).map(statusOf),
          "statuses of the replies to a chunked request",
        ).toEqual([404]);

        const request = wholeRequest("PUT", "/containers/nosuch", '{"action":"stop"}');
        const parts = [request.slice(0, 30), request.slice(30, -5), request.slice(-5)];
        const split = await appengine.sh(
          `(${parts.map((part) => `printf '${part.replaceAll("\r\n", "\\r\\n")}'; sleep 0.1`).join("; ")}) | nc -q ${patientSeconds(3)} -U ${CONTROL_SOCKET}`,
          { signal },
        );
        expect(
          repliesOf(split.stdout).map(statusOf),
          "statuses of the replies to a request in two packets",
        ).toEqual([404]);

        for (const bytes of [request, "GET /daemons HTTP/1.0\r\n\r\n", get("/daemons")]) {
          const halfClosed = await appengine.rawControl(bytes, {
            timeout: 5_000,
            halfClose: true,
            signal,
          });
          const [reply] = repliesOf(halfClosed.bytes.toString());
          expect([bytes, reply?.status], "status of the reply to a half-closed request").toEqual([
            bytes,
            bytes === request ? 404 : 200,
          ]);
          expect(halfClosed.closed, "pv-ctrl closes the half-closed connection").toBe(true);
        }
      },
    );

    check(
      "ctrl.identity",
      "identity beside a length is taken by its length, chunked beside a length is refused",
      async ({ appengine, signal }) => {
        const body = '{"action":"stop"}';
        const upload = (coding: string): string =>
          `PUT /containers/nosuch HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: ${coding}\r\n` +
          `Content-Length: ${body.length}\r\n\r\n${body}`;
        const identity = await ask(appengine, upload("identity"), signal);
        expect(identity.map(statusOf), "status of an upload with coding identity").toEqual([404]);
        const chunked = await ask(appengine, upload("chunked"), signal);
        expect(chunked.map(statusOf), "status of a chunked upload with a length").toEqual([400]);
      },
    );

    check(
      "ctrl.concurrent",
      "50 clients at once get each its own reply, while a container takes 5 s to stop",
      async ({ appengine, control, signal }) => {
        const clients = await appenginePython(
          appengine,
          pythonFile(import.meta.dirname, "concurrent_clients.py", CONTROL_SOCKET, 50, STUBBORN),
        );
        const watch = clock.stopwatch();
        const stdout = await appengine.text(clients, { signal, timeout: 20_000 });
        const [before = "", during = "", stopped = ""] = stdout.trim().split("\n");
        const slowest = [before, during].map((told) => {
          const replies = JSON.parse(told) as { n: number; reply: string; ms: number }[];
          expect(replies, "replies to 50 clients").toHaveLength(50);
          for (const { n, reply } of replies) {
            expect(
              repliesOf(reply).map(({ body }) => body),
              `replies to client ${n}`,
            ).toEqual([JSON.stringify({ Error: `unknown endpoint: /nosuch/${n}` })]);
          }
          return Math.max(...replies.map(({ ms }) => ms));
        });
        expect(
          repliesOf(JSON.parse(stopped) as string).map(statusOf),
          "statuses of the stop that runs meanwhile",
        ).toEqual([200]);
        // However busy the machine is, it was so before.
        expect(slowest[1], "ms of the slowest reply while a container stops").toBeLessThan(
          2 * (slowest[0] ?? 0) + 2_000,
        );
        // The 50 were there while it stopped, unless the machine took longer for them than that.
        const { status } = await control.container(STUBBORN, signal);
        if (watch.wall < 5_000)
          expect(status, "status of the container that stops meanwhile").toBe("STOPPING");
        await waitForStatus(control, STUBBORN, "STOPPED", signal);
      },
    );

    // The last one: a pantavisor that it ends answers nobody for a while.
    check(
      "ctrl.long-path",
      "a request target of 64 KiB is a 4xx, and pantavisor lives on",
      async ({ appengine, control, signal }) => {
        const before = await pantavisor(appengine);
        expect(before, "pid of pantavisor before the long request").toMatch(/^\d+$/);
        for (const path of [`/${"a".repeat(65_536)}`, `/containers/${"a".repeat(9_000)}`]) {
          const [reply] = await ask(appengine, wholeRequest("GET", path), signal);
          expect(
            await pantavisor(appengine),
            `pid of pantavisor after a request target of ${path.length} bytes`,
          ).toBe(before);
          expect(String(reply?.status), "status of the reply to a target of 64 KiB").toMatch(
            /^4\d\d$/,
          );
          expect(errorIn(reply), "reason of the refusal").toBeTruthy();
        }
        expect(
          (await control.send("GET", "/containers", { signal })).status,
          "status of GET /containers after the long request",
        ).toBe(200);
      },
    );
  },
);

async function ask(appengine: Appengine, bytes: string, signal: AbortSignal): Promise<RawReply[]> {
  const answer = await appengine.rawControl(Buffer.from(bytes, "latin1"), {
    timeout: 3_000,
    signal,
  });
  return repliesOf(answer.bytes.toString());
}

const statusOf = ({ status }: RawReply): number => status;

function errorIn(reply: RawReply | undefined): string {
  return (JSON.parse(reply?.body ?? "{}") as { Error?: string }).Error ?? "";
}

/** Its pid; "none" while it does not run. */
async function pantavisor(appengine: Appengine): Promise<string> {
  const { stdout } = await appengine.sh("pgrep -x pantavisor || echo none");
  return stdout.trim();
}
