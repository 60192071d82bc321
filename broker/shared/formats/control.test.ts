import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import {
  configBody,
  containersBody,
  daemonsBody,
  errorBody,
  groupsBody,
  metaBody,
  objectsBody,
  stepProgressBody,
  stepsBody,
} from "./control.ts";
import { parseGraph } from "./graph.ts";

/** The exchanges of a file in fixtures/captures, each with its first reply. */
function recorded(file: string): { request: string; status: number; body: string }[] {
  const text = readFileSync(new URL(`../../../fixtures/captures/${file}`, import.meta.url), "utf8");
  return text
    .replaceAll("\r\n", "\n")
    .split(/^### .*$/m)
    .slice(1)
    .flatMap((exchange) => {
      const request = /^>>> b'([A-Z]+ \S+) HTTP/m.exec(exchange)?.[1];
      const reply = /^HTTP\/1\.[01] (\d+).*?\n\n(.*?)(?:HTTP\/1|<EOF>|<TIMEOUT>)/ms.exec(exchange);
      if (request === undefined || reply === null) return [];
      return [{ request, status: Number(reply[1]), body: reply[2] ?? "" }];
    });
}

const reads = recorded("03-ctrl-get-raw.txt");
const bodyOf = (path: string): unknown =>
  JSON.parse(reads.find(({ request }) => request === `GET ${path}`)?.body ?? "");

it.each([
  ["/daemons", daemonsBody, 2],
  ["/containers", containersBody, 19],
  ["/groups", groupsBody, 4],
  ["/objects", objectsBody, 21],
  ["/steps", stepsBody, 1],
] as const)("the recorded %s parses, all of it", (path, schema, length) => {
  expect(schema.parse(bodyOf(path))).toHaveLength(length);
});

it.each([
  ["/containers", containersBody],
  ["/groups", groupsBody],
  ["/daemons", daemonsBody],
  ["/objects", objectsBody],
  ["/steps", stepsBody],
  ["/steps/0/progress", stepProgressBody],
  ["/device-meta", metaBody],
  ["/user-meta", metaBody],
  ["/config", configBody],
] as const)("the schema of %s leaves out no recorded field", (path, schema) => {
  expect(schema.parse(bodyOf(path))).toEqual(bodyOf(path));
});

it("the recorded graph parses to its links", () => {
  const links = parseGraph(bodyOf("/xconnect-graph"));
  expect(links).toHaveLength(7);
  expect(links[0]).toMatchObject({
    consumer: "probe-client",
    consumer_pid: 3137,
    name: "probe",
    target: "/run/pv/services/probe.sock",
  });
});

it.each([
  ["03-ctrl-get-raw.txt", 9],
  ["03a-ctrl-get-raw-unknown-caller.txt", 30],
  ["05-ctrl-put-raw.txt", 25],
])("every recorded refusal in %s parses as an error", (file, count) => {
  const refusals = recorded(file).filter(({ status }) => status >= 400);
  expect(refusals).toHaveLength(count);
  for (const { body } of refusals) expect(errorBody.parse(JSON.parse(body)).Error).not.toBe("");
});
