import { patientSeconds, python, pythonFile } from "../../harness/appengine/python.ts";
import { expect } from "../../harness/facts/expect.ts";
import * as z from "zod";
import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { Program } from "../support/program.ts";

const SERVER = "pv-example-rest-server";
const CLIENT = "pv-example-rest-client";
const TARGET = "/run/pv/services/network-manager.sock";

/** A second consumer with a role of its own. */
const viewer = defineContainer({
  name: "info-viewer",
  args: {
    PV_SERVICES_REQUIRED: [
      { name: "network-manager", type: "rest", role: "viewer", target: TARGET },
    ],
  },
});

scenario(
  "rest-identity",
  {
    summary: "the provider learns from the broker, and from nobody else, who is asking",
    containers: [SERVER, CLIENT, viewer],
    shares: "rest",
  },
  ({ check }) => {
    check(
      "rest.identity.first",
      "the first request carries client and role",
      async ({ inside }) => {
        const stdout = await inside("info-viewer").text(
          `curl -s --max-time ${patientSeconds(5)} --unix-socket ${TARGET} http://localhost/info`,
          { timeout: 10_000 },
        );
        expect(
          JSON.parse(stdout),
          "identity that the provider got with the first request",
        ).toMatchObject({ client: "info-viewer", role: "viewer" });
      },
    );

    check(
      "rest.identity.every",
      "so does every later request of a kept connection, pipelined ones too",
      async ({ inside }) => {
        const seen = await headersSeen(inside("info-viewer"), [get(), get() + get(), get()], 4);
        expect(seen.map(identity), "identities that the provider got with four requests").toEqual(
          Array(4).fill(["info-viewer", "viewer"]),
        );
      },
    );

    check(
      "rest.spoof",
      "identity headers that a consumer sends never arrive, in any disguise",
      async ({ inside }) => {
        const forged = [
          ["X-PV-Role: admin", "X-PV-Client: evil"],
          ["x-pv-role: admin", "X-Pv-CLIENT: evil"],
          ["X-PV-Role: admin", "X-PV-Role: root"],
          ["X_PV_Role: admin", "X-PV_Client: evil"],
          ["Connection: keep-alive, X-PV-Role", "X-PV-Role: admin"],
        ];
        for (const lines of forged) {
          const [headers = []] = await headersSeen(inside("info-viewer"), [get(...lines)], 1);
          const identities = headers.filter(([name]) => /^x[-_]pv[-_]/i.test(name));
          expect(
            identities.map(([, value]) => value).sort(),
            `identity headers that the provider got (${lines.join(" | ")})`,
          ).toEqual(["info-viewer", "viewer"]);
        }
      },
    );

    check("rest.smuggling", "ambiguous framing gets 400 and reaches nobody", async ({ inside }) => {
      const smuggled = "GET /headers HTTP/1.1\r\nHost: localhost\r\n\r\n";
      const length = `Content-Length: ${smuggled.length}`;
      const ambiguous: readonly [what: string, head: string[]][] = [
        ["length and chunked", [length, "Transfer-Encoding: chunked"]],
        ["two lengths", ["Content-Length: 0", length]],
        ["signed length", [`Content-Length: +${smuggled.length}`]],
        ["space before the colon", [`Content-Length : ${smuggled.length}`]],
        ["folded length", ["Content-Length:", ` ${smuggled.length}`]],
        ["unknown coding", ["Transfer-Encoding: xchunked"]],
      ];
      for (const [what, head] of ambiguous) {
        const request = ["POST /headers HTTP/1.1", "Host: localhost", ...head, "", smuggled].join(
          "\r\n",
        );
        const answer = await exchange(inside("info-viewer"), request);
        expect(answer.match(/HTTP\/1\.[01] (\d+)/g), `statuses of the replies to ${what}`).toEqual([
          "HTTP/1.1 400",
        ]);
      }
    });

    check("rest.half-close", "a half-closed request gets the whole answer", async ({ inside }) => {
      const stdout = await inside(CLIENT).text(
        `printf 'GET /info HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' | nc -N -w ${patientSeconds(5)} -U ${TARGET}`,
        { timeout: 10_000 },
      );
      expect(stdout, "reply to the half-closed request").toMatch(/^HTTP\/1\.[01] 200/);
      expect(stdout, "end of the reply to the half-closed request").toMatch(
        /"client": "[^"]*"\}\s*$/,
      );
    });
  },
);

type Headers = readonly (readonly [string, string])[];

function get(...lines: string[]): string {
  return ["GET /headers HTTP/1.1", "Host: localhost", ...lines, "", ""].join("\r\n");
}

function identity(headers: Headers): (string | undefined)[] {
  return ["x-pv-client", "x-pv-role"].map(
    (wanted) => headers.find(([name]) => name.toLowerCase() === wanted)?.[1],
  );
}

const headerLists = z.array(z.array(z.tuple([z.string(), z.string()])));

/**
 * Send these writes over one connection, from the container, and give the headers that the
 * provider says it saw for each of `count` requests.
 */
async function headersSeen(
  container: InsideContainer,
  writes: readonly string[],
  count: number,
): Promise<Headers[]> {
  await using program = await Program.python(
    container,
    pythonFile(import.meta.dirname, "headers_seen.py", TARGET, writes),
  );
  const seen = headerLists.parse(await program.json(10_000));
  expect(seen, "requests that the provider got").toHaveLength(count);
  return seen;
}

/** Send bytes and read until the other side closes, or has been silent for 2 s. */
async function exchange(container: InsideContainer, request: string): Promise<string> {
  await using program = await Program.python(
    container,
    python`
      from probes import tell, unix
      peer = unix.connect(${TARGET}, 2)
      tell(unix.exchange(peer, ${request}.encode()).decode("latin1"))
    `,
  );
  return z.string().parse(await program.json(10_000));
}
