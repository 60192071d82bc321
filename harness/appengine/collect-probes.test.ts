import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { collectProbes } from "./collect-probes.ts";
import type { EvidenceSource } from "./evidence-source.ts";

const folder = mkdtempSync(join(tmpdir(), "pvh-probes-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const link = (over: object) => ({
  consumer: "c",
  consumer_pid: process.pid,
  provider: "p",
  provider_pid: process.pid,
  name: "n",
  type: "unix",
  role: "any",
  interface: "i",
  target: join(folder, "none.sock"),
  socket: join(folder, "none.sock"),
  ...over,
});

/** An appengine whose shell is this machine's, and whose pv-ctrl gives this graph. */
function appengine(graph: readonly object[] | undefined, reply = "HTTP/1.1 200 OK\r\n\r\n") {
  const body = JSON.stringify(graph);
  return {
    sh: (script: string) => {
      const { stdout, stderr, status } = spawnSync("sh", ["-c", script], { encoding: "utf8" });
      return Promise.resolve({ stdout, stderr, exitCode: status ?? 1 });
    },
    control: {
      send: () =>
        graph === undefined
          ? Promise.reject(new Error("silent"))
          : Promise.resolve({ status: 200, headers: {}, body }),
    },
    rawControl: (bytes: string) =>
      Promise.resolve({
        bytes: Buffer.from(bytes.includes("Host") ? "HTTP/1.1 200 OK\r\n\r\n" : reply),
        closed: false,
        ms: 1,
      }),
  } as unknown as EvidenceSource;
}

test("sockets of the graph are told to be there, to be another file or to be missing", async () => {
  const path = join(folder, "s.sock");
  const server = createServer().listen(path);
  writeFileSync(join(folder, "file"), "");
  const probes = await collectProbes(
    appengine([
      link({ target: path, socket: path }),
      link({ consumer: "d", target: join(folder, "file") }),
      link({ consumer: "e", target: null }),
      link({ consumer: "f", consumer_pid: -1 }),
    ]),
  );
  server.close();
  expect(probes.split("\n")).toEqual(
    expect.arrayContaining([
      `target ${path} in c: socket`,
      `target ${path} of c in the appengine: socket`,
      `provider socket ${path} of p: socket`,
      `target ${join(folder, "file")} in d: another file`,
      `provider socket ${join(folder, "none.sock")} of p: missing`,
    ]),
  );
  expect(probes).not.toContain(" in f");
});

test("a path behind a symlink, which only the container can follow, is told to be one", async () => {
  symlinkSync("/nowhere", join(folder, "away"));
  const target = join(folder, "away/s.sock");
  expect(await collectProbes(appengine([link({ target })]))).toContain(
    `target ${target} in c: behind a symlink`,
  );
});

test("a path that a container has chosen is data", async () => {
  const mark = join(folder, "mark");
  const target = `/x'; touch ${mark}; echo '`;
  const probes = await collectProbes(appengine([link({ target, consumer: "$(touch mark)" })]));
  expect(probes).toContain(": missing");
  expect(existsSync(mark)).toBe(false);
});

test("a pv-ctrl that gives no reply without Host, or none at all, is told", async () => {
  expect(await collectProbes(appengine([], ""))).toMatch(
    /^GET \/buildinfo with Host localhost: 200 in \d+ ms\nGET \/buildinfo without Host: no reply in \d+ ms\n$/,
  );
  expect(await collectProbes(appengine(undefined))).toContain("GET /buildinfo with Host");
});
