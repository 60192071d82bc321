import { Agent, request } from "node:http";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PROPERTY_RUNS } from "../../../shared/formats/property-runs.fixture.ts";
import { restPlugin } from "./rest.ts";
import { Bench } from "../socket-bench.fixture.ts";

/**
 * The whole plugin between Node's own HTTP client, which shares no parser with ours and is strict,
 * and a provider that spells its responses in all the ways that a recipient must understand or may.
 */
const blank = fc.constantFrom("", "", " ", "\t", " \t");
const colon = fc.tuple(blank, blank).map(([before, behind]) => `${before}:${behind}`);
const line = fc
  .tuple(fc.constantFrom("X-A", "x-b", "Server"), colon, fc.constantFrom("1", "a b", ""), blank)
  .map((parts) => parts.join(""));
const lineEnd = fc.constantFrom("\r\n", "\r\n", "\n");
const extension = fc.constantFrom("", "", " ", "\t ", ";a", " ; a = b", ' ;a="x;y" ');
const zeros = fc.constantFrom("", "", "0", "000");
const chunk = fc
  .tuple(zeros, fc.stringMatching(/^[a-z\r\n]{1,30}$/), extension)
  .map(([before, content, behind]) => ({
    content,
    wire: `${before}${content.length.toString(16).toUpperCase()}${behind}\r\n${content}\r\n`,
  }));
const trailer = fc
  .tuple(fc.constantFrom("T", "Content-Length", "Transfer-Encoding", "Host"), colon)
  .map(([name, separator]) => `${name}${separator}9`);

interface Response {
  readonly wire: string;
  readonly content: string;
}

const body = fc.oneof(
  fc
    .record({ chunks: fc.array(chunk, { maxLength: 4 }), zeros, extension, colon, trailer })
    .map(({ chunks, zeros: before, extension: behind, colon: separator, trailer: last }) => ({
      field: `Transfer-Encoding${separator}chunked`,
      content: chunks.map((one) => one.content).join(""),
      wire: `${chunks.map((one) => one.wire).join("")}0${before}${behind}\r\n${last}\r\n\r\n`,
    })),
  fc.record({ content: fc.stringMatching(/^[a-z\r\n]{0,40}$/), zeros, colon }).map((one) => ({
    field: `Content-Length${one.colon}${one.zeros}${one.content.length}`,
    content: one.content,
    wire: one.content,
  })),
);
const response: fc.Arbitrary<Response> = fc
  .record({ lines: fc.array(line, { maxLength: 3 }), lineEnd, body, interim: fc.boolean() })
  .map(({ lines, lineEnd: end, body: { field, content, wire }, interim }) => {
    const early = interim ? `HTTP/1.1 103 Early${end}Content-Length : 3${end}${end}` : "";
    const head = ["HTTP/1.1 200 OK", ...lines, field, "", ""].join(end);
    return { wire: early + head + wire, content };
  });

/** Connections at a time. */
const TOGETHER = 20;
const session = fc.record({
  responses: fc.array(response, { minLength: 1, maxLength: 3 }),
  cuts: fc.array(fc.nat(300), { maxLength: 5 }),
});

test("a strict client understands each response as the provider meant it, one behind the other", async () => {
  using bench = new Bench({ plugin: restPlugin });
  await bench.start();
  const programs = new Map<string, { responses: readonly Response[]; cuts: readonly number[] }>();
  await bench.provide((socket) =>
    socket.on("data", (head: Buffer) => {
      const [, id = "", n = ""] = /^GET \/(\d+)\/(\d+) /.exec(head.toString("latin1")) ?? [];
      const { responses = [], cuts = [] } = programs.get(id) ?? {};
      const bytes = Buffer.from(responses[Number(n)]?.wire ?? "", "latin1");
      const points = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b)];
      points.forEach((from, at) => socket.write(bytes.subarray(from, points[at + 1])));
    }),
  );
  const ask = async (path: string, agent: Agent): Promise<string> => {
    const options = { socketPath: bench.consumerPath, path, agent };
    const message = await new Promise<IncomingMessage>((resolve, reject) => {
      request(options, resolve).on("error", reject).end();
    });
    return await text(message);
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(session, { minLength: TOGETHER, maxLength: TOGETHER }),
      async (sessions) => {
        await Promise.all(
          sessions.map(async ({ responses, cuts }, id) => {
            programs.set(String(id), { responses, cuts });
            const agent = new Agent({ keepAlive: true, maxSockets: 1 });
            const understood: string[] = [];
            for (const n of responses.keys()) understood.push(await ask(`/${id}/${n}`, agent));
            agent.destroy();
            expect(understood).toEqual(responses.map(({ content }) => content));
          }),
        );
      },
    ),
    { numRuns: Math.ceil(PROPERTY_RUNS / TOGETHER) },
  );
}, 300_000);
