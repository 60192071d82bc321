import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, test } from "vitest";
import { none, parseQuirks } from "../../shared/quirks/quirks.ts";
import { hasController } from "./cgroup-controllers.ts";
import { engineOf } from "./wasm-engine-gate.ts";
import { wasmConfig } from "./wasm-config.ts";
import { guestEnding } from "./wasm-process.ts";

const folder = mkdtempSync(join(tmpdir(), "pv-wasm-runtime-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("the end of a guest", () => {
  test.each([
    ["its exit code, with all its bits", 255, { type: "exit", code: 256 }, "", { exitCode: 256 }],
    ["success", 0, { type: "exit", code: 0 }, "", { exitCode: 0 }],
    [
      "the reason of its failure",
      1,
      { type: "failed", reason: "trap: x\x1b[1m" },
      "",
      { exitCode: 1, reason: "trap: x\\u001b[1m" },
    ],
    ["a signal", 137, { type: "started" }, "", { exitCode: null }],
    ["a process that Node ended", 134, undefined, "", { exitCode: null }],
    [
      "what runc says",
      1,
      undefined,
      'time="" level=error msg="no such"',
      { exitCode: 1, reason: "no such" },
    ],
  ] as const)("is %s", (_what, code, report, log, ending) => {
    expect(guestEnding(code, report, log, none)).toEqual(ending);
  });

  it("is lost under the quirk", () => {
    const quirks = parseQuirks("wasm-exit-lost");
    expect(guestEnding(3, { type: "exit", code: 3 }, "", quirks)).toEqual({ exitCode: 0 });
  });
});

describe("an engine", () => {
  const gate =
    (engine: string, machine: string, quirks = none) =>
    () =>
      engineOf({ engine, machine, quirks: "" }, undefined, quirks);

  test.each(["x86_64", "aarch64", "armv8l"])("is there on %s", (machine) => {
    expect(gate("v8", machine)).not.toThrow();
  });

  test.each(["armv7l", "armv7ve"])("is absent on %s, and present under the quirk", (machine) => {
    expect(gate("v8", machine)).toThrow(`no WebAssembly engine on ${machine}`);
    expect(gate("v8", machine, parseQuirks("wasm-armv7"))).not.toThrow();
  });

  it("of another name is refused with the names that there are", () => {
    expect(gate("wasmtime", "x86_64")).toThrow(
      "no WebAssembly engine 'wasmtime': PVH_WASM_ENGINE may be v8 or wasmedge",
    );
  });

  it("that run.json names comes before the appengine's", () => {
    const settings = { engine: "v8", machine: "x86_64", quirks: "" };
    expect(engineOf(settings, "wasmedge", none)).toBe("wasmedge");
    expect(engineOf({ ...settings, engine: "wasmedge" }, undefined, none)).toBe("wasmedge");
  });
});

const container = { name: "g", root: "/r", module: "/t/g/m.wasm", controlSocket: "/run/pv-ctrl" };

it("a guest's process has no capability, no network and no account of root's", () => {
  const config = wasmConfig({ ...container, memory_pages: 16 });
  expect(config).toMatchObject({
    process: {
      user: { uid: 65_534, gid: 65_534 },
      capabilities: {},
      noNewPrivileges: true,
    },
    linux: { namespaces: expect.arrayContaining([{ type: "network" }]) as object[] },
  });
  const { mounts } = config as {
    readonly mounts: readonly {
      readonly destination: string;
      readonly options: readonly string[];
    }[];
  };
  const writable = mounts.filter(
    ({ options }) => options.includes("bind") && !options.includes("ro"),
  );
  expect(writable.map(({ destination }) => destination)).toEqual(["/pantavisor/pv-ctrl"]);
});

it("Node takes V8's code of the bundle with the flags that it gets", () => {
  const config = wasmConfig({ ...container, memory_pages: 16 }) as {
    readonly process: { readonly args: readonly string[] };
  };
  const flags = config.process.args.filter((one) => one.startsWith("--"));
  expect(flags).not.toEqual([]);
  const node = (...args: readonly string[]) => execFileSync(process.execPath, args).toString();
  const code = node("-p", 'new vm.Script("0").createCachedData().toString("base64")').trim();
  const take = `new vm.Script("0", { cachedData: Buffer.from("${code}", "base64") })`;
  expect(node(...flags, "-p", `${take}.cachedDataRejected`)).toBe("false\n");
});

describe("a cgroup has limits of memory", () => {
  test.each([
    ["cpu memory pids\n", true],
    ["cpu pids\n", false],
    ["\n", false],
  ])("where the hierarchy hands on %j: %s", (controllers, isThere) => {
    writeFileSync(join(folder, "cgroup.subtree_control"), controllers);
    expect(hasController("memory", folder)).toBe(isThere);
    rmSync(join(folder, "cgroup.subtree_control"));
  });

  it("where the controller has a hierarchy of its own", () => {
    expect(hasController("memory", folder)).toBe(false);
    mkdirSync(join(folder, "memory"));
    expect(hasController("memory", folder)).toBe(true);
  });
});
