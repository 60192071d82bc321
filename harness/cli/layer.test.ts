import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EXIT } from "../../reports/exit-codes.ts";
import { Args } from "./command.ts";
import { layerCommand } from "./layer.ts";

const FIXTURE = join(import.meta.dirname, "../../fixtures/layers/former");

test("a checkout that keeps every row exits 0", async () => {
  const { code, data, said } = await layer({});
  expect({ code, said }).toEqual({ code: EXIT.pass, said: ["10 rows, 0 failed, 1 skipped"] });
  expect(data[0]).toMatch(/^ok {3}layer\.recipe {5}recipes-wasm/);
  expect(data).toHaveLength(10);
});

test("a log with a known failure exits 1, and names its line", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pvh-layer-log-"));
  const log = join(folder, "console.log");
  writeFileSync(log, "\nundefined reference to `jsmnutil_traverse_token'\n");
  const { code, data } = await layer({ log: [log] });
  expect(code).toBe(EXIT.failed);
  expect(data.at(-1)).toMatch(/^ {5}.*console\.log:2: pv-xconnect does not link/);
  const json = await layer({ log: [log], json: true });
  expect(JSON.parse(json.data.join(""))).toHaveLength(10);
  rmSync(folder, { recursive: true });
});

test("a log that is missing is a usage error", async () => {
  await expect(layer({ log: ["/nowhere"] })).rejects.toMatchObject({ code: "PVH_USAGE" });
});

async function layer(options: Record<string, unknown>) {
  const data: string[] = [];
  const said: string[] = [];
  const out = { data: (text: string) => data.push(text), say: (text: string) => said.push(text) };
  const { signal } = new AbortController();
  const code = await (async () =>
    layerCommand({ args: new Args([FIXTURE], options), signal, out }))();
  return { code, data, said };
}
