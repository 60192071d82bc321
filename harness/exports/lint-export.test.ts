import { describe, expect, test } from "vitest";
import { STATE_SPEC } from "../../broker/shared/formats/state.ts";
import type { JsonObject, JsonValue } from "./json-value.ts";
import { lintExport } from "./lint-export.ts";

const CONF = "c".repeat(64);
const ROOT = "d".repeat(64);
const RUN = {
  "#spec": "service-manifest-run@1",
  config: "lxc.container.conf",
  group: "app",
  name: "a",
  "root-volume": "root.squashfs",
  type: "lxc",
};

test("a sound export gives no finding, and keys that nobody knows are nobody's business", () => {
  const entry = { name: "s", type: "unix", socket: "/run/s", later: 1 };
  const fragment = state({ ...RUN, later: {} }, { "#spec": "x", services: [entry] });
  expect(lint(fragment)).toEqual([]);
});

describe("a requirement", () => {
  const target = "/run/pv/services/s.sock";
  test.each<[what: string, requirement: JsonValue, findings: string[]]>([
    ["with a target is fine", { name: "s", target }, []],
    ["that is a string", "s", ["error requirement-string /services/required/0"]],
    ["without target", { name: "s" }, ["error requirement-no-target /services/required/0"]],
    [
      "with socket for target",
      { name: "s", socket: target },
      ["warning target-as-socket /services/required/0/socket"],
    ],
    [
      "with its interface for target",
      { name: "s", interface: target },
      ["warning target-as-interface /services/required/0/interface"],
    ],
    [
      "with a relative target",
      { name: "s", target: "run/s" },
      ["error target-relative /services/required/0/target"],
    ],
    [
      "of a DRM node on the nodev tmpfs",
      { name: "s", type: "drm", target: "/run/card0" },
      ["error target-nodev /services/required/0/target"],
    ],
    [
      "of an unknown type",
      { name: "s", type: "tcp", target },
      ["error type-unknown /services/required/0/type"],
    ],
    [
      "whose role cannot travel",
      { name: "s", role: "a b", target },
      ["error name-unsafe /services/required/0/role"],
    ],
    [
      "named like a key",
      { name: "type", target },
      ["warning value-is-key /services/required/0/name"],
    ],
    [
      "with a number for a name",
      { name: 1, target },
      ["error wrong-type /services/required/0/name"],
    ],
  ])("%s", (_what, requirement, expected) => {
    const run = { ...RUN, services: { required: [requirement] } };
    expect(lint(state(run))).toEqual(expected.map((line) => at(line, "a/run.json")));
  });

  test("takes its type from the export of that name in the same state", () => {
    const run = { ...RUN, services: { optional: [{ name: "s", target: "/run/card0" }] } };
    const services = [{ name: "s", type: "drm", socket: "/dev/dri/card0" }];
    expect(lint(state(run, services))).toEqual([
      "error target-nodev a/run.json#/services/optional/0/target",
    ]);
  });
});

describe("services.json", () => {
  test.each<[what: string, entry: JsonValue, findings: string[]]>([
    [
      "with a relative socket",
      { name: "s", type: "unix", socket: "run/s" },
      ["error wrong-type /services/0/socket", "error socket-relative /services/0/socket"],
    ],
    [
      "with an unknown type",
      { name: "s", type: "x", socket: "/run/s" },
      ["error type-unknown /services/0/type"],
    ],
    [
      "with a global whose messages are not known",
      {
        ...{ name: "s", type: "wayland", socket: "/run/s" },
        globals: [{ interface: "wl_shm", version: 1 }, { interface: "zwlr_layer_shell_v1" }],
      },
      ["error extension-wrong /services/0/globals/1/interface"],
    ],
    [
      "with a socket that is no plain path",
      { name: "s", type: "unix", socket: "/run/../s" },
      ["error path-unsafe /services/0/socket"],
    ],
    [
      "with a name that cannot travel",
      { name: "a/b", type: "unix", socket: "/run/s" },
      ["error wrong-type /services/0/name", "error name-unsafe /services/0/name"],
    ],
    ["without a socket", { name: "s", type: "unix" }, ["error wrong-type /services/0/socket"]],
  ])("%s", (_what, entry, expected) => {
    const found = lint(state(RUN, { services: [entry] }));
    expect(found).toEqual(expected.map((line) => at(line, "a/services.json")));
  });

  test("before run.json is an error", () => {
    const { "a/run.json": run = null, ...rest } = state(RUN);
    const fragment = { ...rest, "a/services.json": { services: [] }, "a/run.json": run };
    expect(lint(fragment)).toEqual(["error services-before-run a/services.json"]);
  });

  test("of nobody is an error", () => {
    const fragment = { ...state(RUN), "b/services.json": { services: [] } };
    expect(lint(fragment)).toEqual(["error services-without-run b/services.json"]);
  });
});

describe("run.json", () => {
  test.each<[what: string, change: JsonObject, findings: string[]]>([
    ["with another name", { name: "b" }, ["error name-mismatch /name"]],
    ["of a type nothing starts", { type: "vm" }, ["error backend-unknown /type"]],
    ["of a module", { type: "wasm" }, []],
    [
      "of a module without limits",
      { type: "wasm", wasm: { memory_pages: 0 } },
      ["error wrong-type /wasm/memory_pages"],
    ],
    ["with limits of a module that it is not", { wasm: {} }, ["warning extension-unused /wasm"]],
    ["with an unknown policy", { restart_policy: "never" }, ["error wrong-type /restart_policy"]],
    ["with a string for volumes", { volumes: "x" }, ["error wrong-type /volumes"]],
    ["whose root is not there", { "root-volume": "x" }, ["error file-missing /root-volume"]],
    ["of another #spec", { "#spec": "x" }, ["warning spec-unknown /#spec"]],
  ])("%s", (_what, change, expected) => {
    const found = lint(state({ ...RUN, ...change }));
    expect(found).toEqual(expected.map((line) => at(line, "a/run.json")));
  });

  test.each<[group: string, more: JsonObject, warned: boolean]>([
    ["root", {}, true],
    ["app", {}, false],
    // The default group app recovers its containers.
    ["app", { restart_policy: "system" }, false],
    ["platform", { restart_policy: "system" }, true],
    ["root", { restart_policy: "container" }, false],
    ["root", { auto_recovery: { policy: "always" } }, false],
  ])("in group %s with %j and a DRM node to wait for", (group, more, warned) => {
    const services = { required: [{ name: "d", type: "drm", target: "/dev/dri/card0" }] };
    const found = lint(state({ ...RUN, group, services, ...more }));
    expect(found).toEqual(warned ? ["warning crash-reboots a/run.json#/restart_policy"] : []);
  });

  test("of the board is no container's, whatever it holds", () => {
    expect(lint({ ...state(RUN), "bsp/run.json": { firmware: "modules.squashfs" } })).toEqual([]);
  });

  test("of a signature of something named run is no container, and Pantavisor takes it for one", () => {
    expect(lint({ ...state(RUN), "_sigs/run.json": { protected: "" } })).toEqual([
      "error run-json-too-deep _sigs/run.json",
    ]);
  });

  test("in a group that is not there is an error", () => {
    expect(lint(state({ ...RUN, group: "apps" }))).toEqual([
      "error group-unknown a/run.json#/group",
    ]);
    const own = { ...state({ ...RUN, group: "mine" }), "groups.json": [{ name: "mine" }] };
    expect(lint(own)).toEqual([]);
    expect(lint({ ...own, "device.json": { groups: [{ name: "other" }] } })).toEqual([
      "error group-unknown a/run.json#/group",
    ]);
  });

  test("of containers that need each other is an error", () => {
    const export_ = (name: string) => [{ name, type: "unix", socket: "/s" }];
    const need = (name: string) => ({ services: { required: [{ name, target: "/t" }] } });
    const fragment = {
      ...state({ ...RUN, ...need("b") }, export_("a")),
      "b/run.json": { ...RUN, name: "b", ...need("a") },
      "b/lxc.container.conf": CONF,
      "b/root.squashfs": ROOT,
      "b/services.json": export_("b"),
    };
    expect(lint(fragment)).toEqual(["error requirement-cycle a/run.json#/services/required"]);
  });

  test("of a module that exports another type than rest, or has files laid over it, is an error", () => {
    const fragment = {
      ...state({ ...RUN, type: "wasm" }, [{ name: "s", type: "unix", socket: "/s" }]),
      "_config/a/etc/x": CONF,
    };
    expect(lint(fragment)).toEqual([
      "error guest-config _config/a/etc/x",
      "error guest-provides a/services.json#/0/type",
    ]);
  });

  test("deeper than a container's folder is an error", () => {
    const fragment = { ...state(RUN), "_config/a/run.json": {} };
    expect(lint(fragment)).toEqual(["error run-json-too-deep _config/a/run.json"]);
  });
});

describe("the state", () => {
  test("with #spec of another kind or not first", () => {
    const rest = Object.entries(state(RUN)).slice(1);
    expect(lint(Object.fromEntries([...rest, ["#spec", "other"]]))).toEqual([
      "error spec-unknown #spec",
      "error spec-not-first #spec",
    ]);
  });

  test("whose groups and drivers are wrong", () => {
    const fragment = { ...state(RUN), "groups.json": [], "bsp/drivers.json": { all: {} } };
    expect(lint(fragment)).toEqual([
      "error wrong-type groups.json",
      "error wrong-type bsp/drivers.json#/#spec",
    ]);
    const device = { ...state(RUN), "device.json": { groups: [{ name: "a/b" }] } };
    expect(lint(device)).toEqual(["error wrong-type device.json#/groups/0/name"]);
  });

  test("with more containers than any appengine runs is refused as a whole, and at once", () => {
    const many = Array.from({ length: 3000 }, (_, index) => [`c${index}/run.json`, {}] as const);
    const fragment = { ...state(RUN), ...Object.fromEntries(many) };
    expect(lint(fragment)).toEqual(["error state-refused state"]);
  });

  test("with a document of 100,000 values is refused by that document's name", () => {
    const required = Array.from({ length: 100_000 }, () => 7);
    expect(lint(state({ ...RUN, services: { required } }))[0]).toBe("error wrong-type a/run.json");
  });

  test("gives a thousand findings of one code at most, and says how many are not there", () => {
    const unused = Array.from({ length: 1234 }, (_, index) => [`${index}`, 1] as const);
    const objects = new Map([[CONF, 1], [ROOT, 1], ...unused]);
    const findings = lintExport({ fragment: state(RUN), objects, ignored: [] });
    expect(findings).toHaveLength(1001);
    expect(findings.at(-1)).toMatchObject({
      level: "warning",
      code: "object-unused",
      message: "234 more findings of this code are not listed",
    });
  });

  test("in an archive that Pantavisor's pvtx reads in another way is warned of", () => {
    const objects = new Map([CONF, ROOT].map((sha256) => [sha256, 1]));
    const oddities = new Map([
      ["compression", "zstd"],
      ["dot-slash", "json"],
    ] as const);
    const findings = lintExport({ fragment: state(RUN), objects, ignored: [], oddities });
    expect(findings.map(line)).toEqual(["warning compression zstd", "warning dot-slash json"]);
  });

  test("whose objects are missing, unused or beside others", () => {
    const objects = new Map([
      [CONF, 1],
      ["e".repeat(64), 1],
    ]);
    expect(lintExport({ fragment: state(RUN), objects, ignored: ["x"] }).map(line)).toEqual([
      "error object-missing a/root.squashfs",
      `warning object-unused objects/${"e".repeat(64)}`,
      "warning member-ignored x",
    ]);
  });
});

function state(run: JsonObject, services?: JsonValue): JsonObject {
  return {
    "#spec": STATE_SPEC,
    "a/lxc.container.conf": CONF,
    "a/root.squashfs": ROOT,
    "a/run.json": run,
    ...(services !== undefined && { "a/services.json": services }),
  };
}

function lint(fragment: JsonObject): string[] {
  const objects = new Map([CONF, ROOT].map((sha256) => [sha256, 1]));
  return lintExport({ fragment, objects, ignored: [] }).map(line);
}

function line({ level, code, path }: { level: string; code: string; path: string }): string {
  return `${level} ${code} ${path}`;
}

/** `level code /pointer` → `level code key#/pointer` */
function at(finding: string, key: string): string {
  return finding.replace(" /", ` ${key}#/`);
}
