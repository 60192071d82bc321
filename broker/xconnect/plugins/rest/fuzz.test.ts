import { createServer } from "node:http";
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { setImmediate as immediate } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PROPERTY_RUNS } from "../../../shared/formats/property-runs.fixture.ts";
import { restPlugin } from "./rest.ts";
import { Bench, readText } from "../socket-bench.fixture.ts";
import { openFds } from "../descriptors.fixture.ts";

/**
 * The whole plugin between a consumer that sends what it likes and Node's own HTTP server: a
 * parser that shares nothing with ours tells what the provider understood.
 */
interface Seen {
  readonly url: string;
  readonly headers: readonly string[];
  readonly trailers: readonly string[];
  readonly body: string;
}

/** Sessions that are open at once. */
const SESSIONS = 20;

type Request = { readonly wire: string; readonly body: string | undefined };

const forged = fc.constantFrom(
  "X-PV-Role: root",
  "x-pv-client: evil",
  "X_PV_Role: root",
  "X-PV.Role: root",
  "x-PV-anything: 1",
);
const line = fc.oneof(forged, fc.constantFrom("A: b", "Accept: */*", "Connection: X-PV-Role"));
const body = fc.oneof(
  fc.constant(undefined),
  fc.stringMatching(/^[a-z\r\n]{0,40}$/).map((text) => ({ text, chunked: false })),
  fc.stringMatching(/^[a-z\r\n]{1,40}$/).map((text) => ({ text, chunked: true })),
);

/** Chunk extensions that RFC 9112 §7.1.1 allows behind a chunk's size. */
const extension = fc.constantFrom("", ";x=y", " ;x=y", "\t; x = y", ' ; x="a;b"');

const valid = fc
  .record({ lines: fc.array(line, { maxLength: 4 }), body, trailer: forged, extension })
  .map(({ lines, body, trailer, extension: behind }) => {
    const framing =
      body === undefined
        ? []
        : body.chunked
          ? ["Transfer-Encoding: chunked"]
          : [`Content-Length: ${body.text.length}`];
    const head = ["Host: x", ...lines, ...framing, "", ""].join("\r\n");
    const content =
      body?.chunked === true
        ? `${body.text.length.toString(16)}${behind}\r\n${body.text}\r\n0${behind}\r\n${trailer}\r\n\r\n`
        : (body?.text ?? "");
    return { wire: head + content, body: body?.text ?? "" };
  });

const invalid = fc
  .constantFrom(
    "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "Content-Length: +3\r\n\r\nabc",
    "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: x\r\n\r\n",
    "Content-Length : 3\r\n\r\nabc",
    "A: b\n\r\n",
    " folded\r\n\r\n",
    "A: \0\r\n\r\n",
  )
  .map((wire): Request => ({ wire: `Host: x\r\n${wire}`, body: undefined }));

const request = fc.oneof({ weight: 6, arbitrary: valid }, { weight: 1, arbitrary: invalid });
const session = fc.record({
  // Mostly short, since Node's server takes longer for a request than the broker does.
  requests: fc.oneof(
    { weight: 9, arbitrary: fc.array(request, { minLength: 1, maxLength: 2 }) },
    { weight: 1, arbitrary: fc.array(request, { minLength: 3, maxLength: 5 }) },
  ),
  cuts: fc.array(fc.nat(600), { maxLength: 6 }),
  halfCloses: fc.boolean(),
});

type Session = typeof session extends fc.Arbitrary<infer T> ? T : never;

test("the provider sees each good request as it was, with our identity, and each response is its own", async () => {
  using bench = new Bench({ plugin: restPlugin });
  await bench.start();
  const seen = new Map<string, Seen[]>();
  const server = await recordingServer(bench.providerPath, seen);
  const ofProvider = () =>
    new Promise<number>((resolve) => {
      server.getConnections((_error, count) => resolve(count));
    });
  /** All sockets of both sides have gone, on which sessions would be left. */
  const settled = async () => {
    while (bench.openSockets > 0 || (await ofProvider()) > 0) await immediate();
  };
  const follow = async ({ requests, cuts, halfCloses }: Session, id: number) => {
    const firstBad = requests.findIndex((request) => request.body === undefined);
    const good = firstBad === -1 ? requests : requests.slice(0, firstBad);
    const wire = requests
      .map((request, n) => `POST /${id}/${n} HTTP/1.1\r\n${request.wire}`)
      .join("");

    const consumer = bench.consume();
    send(consumer, Buffer.from(wire, "latin1"), cuts);
    const everythingSent = halfCloses || firstBad !== -1;
    if (halfCloses) consumer.end();
    const lastResponse = `answer /${id}/${requests.length - 1}.`;
    const text = await readText(consumer, (all) => !everythingSent && all.endsWith(lastResponse));
    consumer.destroy();

    const understood = seen.get(String(id)) ?? [];
    expect(understood.map(({ url, body }) => [url, body])).toEqual(
      good.map((request, n) => [`/${id}/${n}`, request.body]),
    );
    for (const { headers, trailers } of understood) {
      expect(identityOf(headers)).toEqual(["X-PV-Client: client", "X-PV-Role: admin"]);
      expect(identityOf(trailers)).toEqual([]);
    }
    expect(text.match(/answer \/\d+\/\d+\./g) ?? []).toEqual(
      good.map((_, n) => `answer /${id}/${n}.`),
    );
    expect(text.match(/HTTP\/1\.1 4\d\d /g) ?? []).toHaveLength(firstBad === -1 ? 0 : 1);
  };
  // The first session makes what is made only once, so that it is in the count before.
  await follow(
    { requests: [{ wire: "Host: x\r\n\r\n", body: "" }], cuts: [], halfCloses: true },
    0,
  );
  await settled();
  const before = openFds();
  const together = fc.array(session, { minLength: SESSIONS, maxLength: SESSIONS });
  await fc.assert(
    fc.asyncProperty(together, async (sessions) => {
      seen.clear();
      await Promise.all(sessions.map(follow));
    }),
    { numRuns: Math.ceil(PROPERTY_RUNS / SESSIONS) },
  );
  await settled();
  expect(openFds()).toBeLessThanOrEqual(before);
  server.close();
}, 120_000);

function identityOf(lines: readonly string[]): string[] {
  return lines.filter((text) => /^x[^a-z0-9]pv[^a-z0-9]/i.test(text));
}

function send(socket: Socket, bytes: Buffer, cuts: readonly number[]): void {
  const points = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b)];
  points.forEach((from, n) => socket.write(bytes.subarray(from, points[n + 1])));
}

async function recordingServer(path: string, seen: Map<string, Seen[]>): Promise<Server> {
  const server = createServer((message, response) => {
    let content = "";
    message.setEncoding("latin1");
    message.on("data", (text: string) => (content += text));
    message.on("end", () => {
      const { url = "", rawHeaders, rawTrailers } = message;
      const id = url.split("/")[1] ?? "";
      const ofSession = seen.get(id) ?? [];
      seen.set(id, ofSession);
      const read = { headers: pairs(rawHeaders), trailers: pairs(rawTrailers) };
      ofSession.push({ url, ...read, body: content });
      response.end(`answer ${url}.`);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}

function pairs(raw: readonly string[]): string[] {
  return raw.flatMap((name, n) => (n % 2 === 0 ? [`${name}: ${raw[n + 1] ?? ""}`] : []));
}
