import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkLayer, openCheckout } from "./check-layer.ts";
import { LAYER_RULES } from "./rules.ts";

const FIXTURE = join(import.meta.dirname, "../../fixtures/layers/current");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-layer-test-"));
  cpSync(FIXTURE, folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

function rows(logs: { name: string; text: string }[] = []) {
  return checkLayer(openCheckout(folder), { logs });
}
const stateOf = (id: string) => rows().find((row) => row.id === id);

test("a folder that is no checkout of the layer is a usage error that says what it lacks", () => {
  rmSync(join(folder, "conf"), { recursive: true });
  expect(() => openCheckout(folder)).toThrow(/no checkout of meta-pantavisor.*conf\/layer\.conf/);
  expect(() => openCheckout(join(folder, "nowhere"))).toThrow(/cannot be read/);
});

test("a file that is a pipe, too large, or a link out of the checkout is not read, and told so", () => {
  const kconfig = join(folder, "Kconfig");
  const told = () => stateOf("layer.kconfig")?.findings[0]?.what;
  rmSync(kconfig);
  execFileSync("mkfifo", [kconfig]);
  expect(told()).toBe("it cannot be read: it is not a regular file");
  rmSync(kconfig);
  writeFileSync(kconfig, "#".repeat((1 << 20) + 1));
  expect(told()).toMatch(/more than 1048576 bytes/);
  rmSync(kconfig);
  symlinkSync("/etc/passwd", kconfig);
  expect(told()).toMatch(/a link out of the checkout/);
});

test("line ends of another system and a byte order mark change nothing", () => {
  const path = join(folder, "kas/with-workspace.yaml");
  writeFileSync(path, "\uFEFFrepos:\r\n  workspace:\r\n    path: build/workspace\r\n");
  expect(stateOf("layer.workspace")?.state).toBe("ok");
});

test("YAML that names itself a billion times, or is nested without end, is a finding", () => {
  const bomb = ["a: &a [x, x]"];
  for (let index = 0; index < 30; index++) {
    const [here, below] = [`n${index + 1}`, index === 0 ? "a" : `n${index}`];
    bomb.push(`${here}: &${here} [*${below}, *${below}]`);
  }
  for (const text of [bomb.join("\n"), "[".repeat(200_000), "repos: {", "- a"]) {
    writeFileSync(join(folder, "kas/appengine-base.yaml"), text);
    const row = stateOf("layer.clang");
    expect(row).toMatchObject({ state: "failed", findings: [{ file: "kas/appengine-base.yaml" }] });
  }
});

test("includes in a circle, and includes that multiply, come to an end", () => {
  writeFileSync(
    join(folder, "kas/scarthgap.yaml"),
    "header:\n  version: 16\n  includes: [kas/scarthgap.yaml]\n",
  );
  expect(stateOf("layer.machines")?.findings[0]).toMatchObject({
    file: "kas/scarthgap.yaml",
    line: 3,
    what: "it includes kas/scarthgap.yaml in a circle",
  });
  for (let index = 0; index < 40; index++) {
    const next = `kas/i${index + 1}.yaml`;
    writeFileSync(join(folder, `kas/i${index}.yaml`), `header: {includes: [${next}, ${next}]}\n`);
  }
  writeFileSync(join(folder, "kas/scarthgap.yaml"), "header: {includes: [kas/i0.yaml]}\n");
  expect(stateOf("layer.machines")?.state).toBe("failed");
});

test("a machine that is listed and has no file, and a file of no machine, are told", () => {
  const extra = join(folder, "kas/build-configs/release/other-scarthgap.yaml");
  writeFileSync(extra, "machine: other\n");
  expect(stateOf("layer.machines")?.findings.map(({ what }) => what)).toEqual([
    ".github/machines.json has no such machine",
  ]);
});

test("a switch in a comment, or after the call, does not hold a pvr", () => {
  const path = join(folder, "classes/container-pvrexport.bbclass");
  writeFileSync(
    path,
    "do_x() {\n    # export PVR_DISABLE_SELF_UPGRADE=1\n    pvr init\n    export PVR_DISABLE_SELF_UPGRADE=1\n}\n",
  );
  expect(stateOf("layer.workspace")?.findings).toMatchObject([{ line: 3 }]);
  writeFileSync(path, 'do_x() {\n    bbnote "pvr init is not called"\n}\n');
  expect(stateOf("layer.workspace")?.state).toBe("ok");
});

test("the failure to link pv-xconnect is told once, at its first line, with its fix", () => {
  const text = "cc\nundefined reference to `jsmnutil_traverse_token'\n".repeat(3);
  const row = rows([{ name: "/x/log.do_compile", text }]).find(({ id }) => id === "layer.libthttp");
  expect(row?.findings).toHaveLength(1);
  expect(row?.findings[0]).toMatchObject({ file: "/x/log.do_compile", line: 2 });
  expect(row?.findings[0]?.mend).toMatch(/devtool modify libthttp/);
});

test("an append that fits no recipe is told", () => {
  rmSync(join(folder, "recipes-pv/libthttp/libthttp_git.bb"));
  writeFileSync(join(folder, "recipes-pv/libthttp/libthttp_2.0.bb"), "");
  expect(stateOf("layer.libthttp")?.findings[0]?.what).toMatch(/fits no recipe.*libthttp_2\.0\.bb/);
});

test("whatever stands in a file, each row is judged", () => {
  const files =
    LAYER_RULES.length > 0 ? ["Kconfig", "kas/bsp-base.yaml", ".github/machines.json"] : [];
  const word = fc.constantFrom(
    "config",
    "default",
    '"',
    "\\",
    "{",
    "}",
    "(",
    ")",
    ":",
    "\n",
    " ",
    "#",
    "=",
    "*",
    "&a",
    "- ",
    "pvr init",
    "FEATURE_WASMEDGE",
    "PV",
  );
  const text = fc.array(fc.oneof(word, fc.string({ unit: "binary", maxLength: 5 })), {
    maxLength: 60,
  });
  const paths = [
    ...files,
    "recipes-wasm/wasmedge/wasmedge_git.bb",
    "classes/container-pvrexport.bbclass",
  ];
  fc.assert(
    fc.property(fc.constantFrom(...paths), text, (path, words) => {
      writeFileSync(join(folder, path), words.join(""));
      expect(rows().map(({ id }) => id)).toEqual(LAYER_RULES.map(({ id }) => id));
      cpSync(join(FIXTURE, path), join(folder, path));
    }),
    { numRuns: 200 },
  );
});
