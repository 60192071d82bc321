import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readDeviceJson, writeDeviceExport } from "./device-export.ts";
import { readExport } from "./read-export.ts";

const folder = mkdtempSync(join(tmpdir(), "pvh-device-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a device.json becomes an export that brings it and nothing else", async () => {
  const file = join(folder, "device.json");
  writeFileSync(file, '{"groups":[{"name":"app"}]}');
  const device = readDeviceJson(file);
  const path = await writeDeviceExport(folder, device, new AbortController().signal);
  const { fragment } = await readExport(path);
  expect(fragment).toEqual({ "#spec": "pantavisor-service-system@1", "device.json": device });
});

test("what is no object is told with its file", () => {
  const file = join(folder, "wrong.json");
  for (const text of ["[]", "{", "null"]) {
    writeFileSync(file, text);
    expect(() => readDeviceJson(file)).toThrow(/wrong\.json: /);
  }
});
