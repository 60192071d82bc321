import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../root.ts";

function diagnose(files: Readonly<Record<string, string>>, ...flags: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "pvh-diagnose-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const main = join(ROOT, "harness/cli/main.ts");
  return execFileSync(process.execPath, [main, "diagnose", folder, ...flags], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
}

test("a folder of logs from elsewhere is diagnosed, the cause and its fix first", () => {
  const log =
    "[pantavisor] 12 ERROR\t -- [state]: (x:1) required service 's' for platform 'c' not found\n";
  const [first, second] = diagnose({ "somewhere/device.txt": log }).split("\n");
  expect(first).toMatch(
    /^cause: required service 's' of container 'c' .*; fix: deploy a container/,
  );
  expect(second).toContain("required-service-missing, docs/pantavisor.md §4.4");
  expect(JSON.parse(diagnose({ "device.txt": log }, "--json"))).toMatchObject({
    files: 1,
    diagnoses: [{ rule: "required-service-missing" }],
  });
});

test("what one appengine shows says nothing of another", () => {
  const launch = "[pvtest] 1 INFO -- [pv-appengine]: launching pantavisor rev=0\n";
  const stopped = JSON.stringify([{ name: "c", status: "STOPPED" }]);
  const graph = JSON.stringify([
    { consumer: "c", consumer_pid: 7, provider: "p", provider_pid: 8 },
  ]);
  const said = diagnose({
    "one/boot.log": launch,
    "one/containers.json": stopped,
    "one/after-check/graph.json": "[]",
    "appengine-2/boot.log": launch + launch,
    "appengine-2/graph.json": graph,
  });
  expect(said).toContain("no known cause");
  const one = diagnose({ "r/s/boot.log": launch.repeat(3), "r/s/logs/0/c/lxc/console.log": "x" });
  expect(one).toMatch(/^cause: reboot loop/);
});

test("without a known cause it says so, and offers a rule with the evidence; no byte acts", () => {
  const said = diagnose({ "c/console.log": "\u001b[31mError: socket 1234 melted\u001b[0m\n" });
  expect(said).toContain("no known cause");
  expect(said).toContain(String.raw`Error: socket \\d+ melted`);
  expect(said).not.toContain("\u001b");
});
