import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type Dockerode from "dockerode";
import { pack } from "tar-stream";
import { expect, test } from "vitest";
import type { Appengine } from "../appengine/appengine.ts";
import { collectAppengine } from "./collect-appengine.ts";

const never = (): Promise<never> => new Promise(() => undefined);
const silent = { sh: never, output: never, control: { json: never } } as unknown as Appengine;

test("an engine that answers nothing keeps nobody waiting, and a log without end is kept as far as it came", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pvh-collect-"));
  const logs = new PassThrough();
  const tar = pack();
  tar.entry({ name: "logs/0/pantavisor.log" }, "line\n");
  tar.on("data", (chunk) => logs.write(chunk));
  const container = {
    inspect: never,
    getArchive: () => Promise.resolve(logs),
  } as unknown as Dockerode.Container;
  expect(await collectAppengine(silent, container, folder)).toEqual([
    { path: "logs", what: "log tree of the appengine's storage, as far as it came" },
  ]);
  await rm(folder, { recursive: true });
}, 20_000);

test("a folder that cannot be made costs the evidence and nothing else", async () => {
  const container = { inspect: never, getArchive: never } as unknown as Dockerode.Container;
  expect(await collectAppengine(silent, container, "/etc/hostname/evidence")).toEqual([]);
});
