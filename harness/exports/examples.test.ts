import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Engine } from "../engine/engine.ts";
import { defineContainer } from "./container-definition.ts";
import { ensureExports, pruneExports } from "./examples.ts";
import { writeExport } from "./write-export.ts";

/** An engine at which nothing listens: everything that needs one fails. */
const engine: Engine = {
  docker: new Docker({ socketPath: "/nonexistent/docker.sock" }),
  host: "unix:///nonexistent/docker.sock",
  origin: "DOCKER_HOST",
  version: "0",
  apiVersion: "0",
  sameMachine: false,
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pvh-examples-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("a given export is passed on as it is, without an engine", async () => {
  const path = join(folder, "mine.pvrexport.tgz");
  await writeExport(path, { fragment: { "#spec": "s" }, objects: new Map() });
  expect(await ensureExports(engine, [path])).toEqual([path]);
});

test("a given export that is none is refused before anything is booted", async () => {
  const path = join(folder, "bad.pvrexport.tgz");
  await writeFile(path, "nothing of the kind");
  await expect(ensureExports(engine, [path])).rejects.toMatchObject({ code: "PVH_BAD_EXPORT" });
});

test("an unknown name is told with the names that are there", async () => {
  await expect(ensureExports(engine, ["pv-example-unix"])).rejects.toMatchObject({
    code: "PVH_USAGE",
    message: 'there is no container "pv-example-unix"',
    hint: expect.stringContaining("pv-example-unix-server") as string,
  });
});

test("one container may not be asked for twice, however it is named", async () => {
  const own = defineContainer({ name: "pv-example-random" });
  await expect(ensureExports(engine, ["pv-example-random", own])).rejects.toThrow(
    "the container pv-example-random is selected twice",
  );
});

test("a path that is not there is named", async () => {
  const path = join(folder, "none.pvrexport.tgz");
  await expect(ensureExports(engine, [path])).rejects.toMatchObject({ code: "PVH_USAGE" });
});

test("the cache lets go of what nobody used lately, never of what a run may still boot", async () => {
  const cache = await mkdtemp(join(folder, "cache-"));
  const put = async (name: string, hours: number) => {
    await writeFile(join(cache, name), "");
    const used = new Date(Date.now() - hours * 3_600_000);
    await utimes(join(cache, name), used, used);
  };
  for (let index = 0; index < 45; index += 1) await put(`new-${index}.pvrexport.tgz`, 1);
  await put("old.pvrexport.tgz", 4);
  await put("killed.pvrexport.tgz.0123456789ab", 4);
  await put("written.pvrexport.tgz.0123456789ab", 0);
  await pruneExports(cache);
  const left = await readdir(cache);
  expect(left.filter((name) => name.startsWith("new-")).length).toBe(45);
  expect(left.filter((name) => !name.startsWith("new-"))).toEqual([
    "written.pvrexport.tgz.0123456789ab",
  ]);
});
