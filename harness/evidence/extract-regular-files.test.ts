import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pack } from "tar-stream";
import { expect, test } from "vitest";
import { extractRegularFiles } from "./extract-regular-files.ts";

test("regular files arrive; links, devices and names that leave the folder do not", async () => {
  const outer = await mkdtemp(join(tmpdir(), "pvh-extract-"));
  const folder = join(outer, "evidence");
  const tar = pack();
  tar.entry({ name: "logs/0/pantavisor.log" }, "line\n");
  tar.entry({ name: "../escaped" }, "no");
  tar.entry({ name: "logs/../../escaped" }, "no");
  tar.entry({ name: "/escaped" }, "no");
  tar.entry({ name: "logs/link", type: "symlink", linkname: "/etc/passwd" });
  tar.entry({ name: "logs/hard", type: "link", linkname: "/etc/passwd" });
  tar.entry({ name: "logs/fifo", type: "fifo" });
  tar.finalize();

  await extractRegularFiles(Readable.from(tar), folder);

  expect(await readdir(outer)).toEqual(["evidence"]);
  expect(await readdir(join(folder, "logs"))).toEqual(["0"]);
  expect(await readFile(join(folder, "logs/0/pantavisor.log"), "utf8")).toBe("line\n");
  await rm(outer, { recursive: true });
});

test("a file that was written without end is kept up to its limit", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pvh-extract-"));
  const tar = pack();
  tar.entry({ name: "huge" }, Buffer.alloc(17 * 1024 * 1024));
  tar.entry({ name: "next" }, "whole");
  tar.finalize();
  await extractRegularFiles(Readable.from(tar), folder);
  expect((await readFile(join(folder, "huge"))).length).toBe(16 * 1024 * 1024);
  expect(await readFile(join(folder, "next"), "utf8")).toBe("whole");
  await rm(folder, { recursive: true });
});
