import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EXIT } from "../../reports/exit-codes.ts";
import { writeExport } from "../exports/write-export.ts";
import { Args } from "./command.ts";
import { exportsLintCommand } from "./exports-lint.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pvh-cli-exports-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("an example lints clean and exits 0", async () => {
  const { code, data, said } = await lint(["pv-example-unix-server"]);
  expect({ code, data, said }).toEqual({
    code: EXIT.pass,
    data: [],
    said: ["1 checked, 0 errors, 0 warnings"],
  });
});

test("an error exits 1, on one line that no name in the export can break", async () => {
  const path = join(folder, "x.tgz");
  const fragment = { "#spec": "other\u001b[2J\u009b2J", "a\u2028b/run.json": {} };
  await writeExport(path, { fragment, objects: new Map() });
  const { code, data } = await lint([path]);
  expect(code).toBe(EXIT.failed);
  expect(data[0]).toMatch(/^\/.*x\.tgz: error spec-unknown at #spec: .*; write /);
  expect(data.join("")).not.toMatch(/[\p{Cc}\u2028]/u);
});

test("findings come as JSON with the file they are in", async () => {
  const path = join(folder, "y.tgz");
  await writeExport(path, { fragment: { "#spec": "other" }, objects: new Map() });
  const { data } = await lint([path], true);
  expect(JSON.parse(data.join("\n"))).toMatchObject([{ file: path, code: "spec-unknown" }]);
});

test("what cannot be read is a usage error", async () => {
  const path = join(folder, "z.tgz");
  await writeFile(path, "no export");
  await expect(lint([path])).rejects.toMatchObject({ code: "PVH_BAD_EXPORT", class: "usage" });
});

async function lint(paths: string[], json = false) {
  const data: string[] = [];
  const said: string[] = [];
  const { signal } = new AbortController();
  const out = { data: (text: string) => data.push(text), say: (text: string) => said.push(text) };
  const code = await exportsLintCommand({ args: new Args(paths, { json }), signal, out });
  return { code, data, said };
}
