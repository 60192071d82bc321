import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type Dockerode from "dockerode";
import { pack } from "tar-stream";
import { expect, onTestFinished, test } from "vitest";
import { clock } from "../clock/clock.ts";
import type { Appengine } from "./appengine.ts";
import { collectAppengine } from "./collect-appengine.ts";

const never = (): Promise<never> => new Promise(() => undefined);
const silent = { sh: never, output: never, control: { json: never } } as unknown as Appengine;

/** A tar of these files, which does not end unless `ends`. */
function logsOf(names: readonly string[], ends = true): PassThrough {
  const logs = new PassThrough();
  const tar = pack();
  tar.on("data", (chunk) => logs.write(chunk));
  tar.on("end", () => logs.end());
  for (const name of names) tar.entry({ name }, "line\n");
  if (ends) tar.finalize();
  return logs;
}

const reads = (folder: string, path: string): string => readFileSync(join(folder, path), "utf8");

test("an engine that answers nothing keeps nobody waiting, and a log without end is kept as far as it came", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pvh-collect-"));
  const container = {
    inspect: never,
    getArchive: () => Promise.resolve(logsOf(["logs/0/pantavisor.log"], false)),
  } as unknown as Dockerode.Container;
  const [logs, index] = await collectAppengine(
    silent,
    container,
    folder,
    AbortSignal.timeout(4_000),
  );
  expect(logs).toMatchObject({
    path: "logs",
    missing: "left out: 1 (whatever came after this: there was no more time)",
  });
  expect(index?.path).toBe("index.txt");
  for (const name of ["boot.log", "graph.json", "lxc-ls.txt", "engine.json"]) {
    expect(reads(folder, "index.txt")).toContain(`not kept, ${name}`);
  }
  expect(reads(folder, "logs/0/pantavisor.log")).toBe("line\n");
  await rm(folder, { recursive: true });
}, 40_000);

test("the telling logs are there whatever else lies in the tree, and the rest is counted", async () => {
  // 2,000 files take a busy machine longer than the time for logs, which is not under test here.
  clock.scale = 10;
  onTestFinished(() => void (clock.scale = 1));
  const folder = await mkdtemp(join(tmpdir(), "pvh-collect-"));
  const others = Array.from({ length: 3_000 }, (_, n) => `logs/0/evil/${n}`);
  const telling = ["logs/0/pantavisor/pantavisor.log", "logs/0/zz/lxc/console.log"];
  const asked: string[] = [];
  const container = {
    inspect: () => Promise.resolve({}),
    getArchive({ path }: { path: string }) {
      asked.push(path);
      if (path.endsWith("/logs")) return Promise.resolve(logsOf([...others, ...telling]));
      const name = path.endsWith("/lxc") ? "lxc/console.log" : "pantavisor/pantavisor.log";
      return Promise.resolve(logsOf([name, "other"]));
    },
  } as unknown as Dockerode.Container;
  const talking = {
    sh: () => Promise.resolve({ exitCode: 0, stdout: "./0/zz/lxc/console.log\n", stderr: "" }),
    output: () => Promise.resolve("printed"),
    control: { send: () => Promise.resolve({ status: 500, headers: {}, body: "no json" }) },
  } as unknown as Appengine;
  const evidence = await collectAppengine(talking, container, folder);
  expect(asked.map((path) => path.slice(-6))).toEqual(["avisor", "zz/lxc", "e/logs"]);
  for (const path of telling) expect(reads(folder, path)).toBe("line\n");
  expect(reads(folder, "graph.json")).toBe("500\nno json");
  expect(evidence.find(({ path }) => path === "logs")?.missing).toBe(
    "left out: 1002 (beyond 2000 files, 5010 bytes)",
  );
  await rm(folder, { recursive: true });
}, 60_000);

test("a folder that cannot be made costs the evidence and nothing else", async () => {
  const container = { inspect: never, getArchive: never } as unknown as Dockerode.Container;
  expect(await collectAppengine(silent, container, "/etc/hostname/evidence")).toEqual([]);
});
