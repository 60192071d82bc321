import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { OF_EXPORT, OF_REQUIREMENT } from "../../broker/xconnect/plugins/manifests.ts";
import { ROOT } from "../root.ts";
import type { Finding } from "./finding.ts";
import type { JsonObject } from "./json-value.ts";
import { lintExtensions } from "./lint-extensions.ts";

function lint(side: "export" | "requirement", type: string | undefined, item: JsonObject) {
  const findings: Finding[] = [];
  lintExtensions("x", side, item, type, (finding) => void findings.push(finding));
  return findings.map(({ level, code, path }) => `${level} ${code} ${path}`);
}

describe("an export", () => {
  test.each<[type: string, item: JsonObject]>([
    ["unix", { identity: "cmsg", socketType: "seqpacket", fds: ["memfd", "eventfd"] }],
    ["rest", { rules: [{ methods: ["GET"], path: "/v1", role: "user" }], upgrade: ["websocket"] }],
    ["dbus", { rules: [{ access: "talk", name: "org.x.*" }, { access: "see" }], fds: [] }],
    ["drm", { nodes: { master: "/dev/dri/card0", render: "/dev/dri/renderD128" } }],
    ["input", { events: [{ type: "EV_KEY", codes: [30, [59, 68]], role: "user" }], grab: true }],
    ["unix", { later: 7 }],
  ])("of type %s with the documented values is fine", (type, item) => {
    expect(lint("export", type, item)).toEqual([]);
  });

  test.each<[type: string, item: JsonObject, path: string]>([
    ["unix", { identity: "Greeting" }, "x/identity"],
    ["unix", { socketType: 1 }, "x/socketType"],
    ["unix", { fds: "memfd" }, "x/fds"],
    ["unix", { fds: ["memfd", "mount"] }, "x/fds/1"],
    ["rest", { rules: { path: "/" } }, "x/rules"],
    ["rest", { rules: [{ methods: "GET" }] }, "x/rules/0/methods"],
    ["rest", { rules: [{ path: "v1" }] }, "x/rules/0/path"],
    ["rest", { upgrade: "websocket" }, "x/upgrade"],
    ["dbus", { rules: [{ access: "speak" }] }, "x/rules/0/access"],
    ["dbus", { rules: [{ access: "talk", nmae: "org.x" }] }, "x/rules/0"],
    ["rest", { rules: [{ path: "/a b" }] }, "x/rules/0/path"],
    ["rest", { rules: [{ methods: ["G T"] }] }, "x/rules/0/methods/0"],
    ["rest", { upgrade: ["h2c"] }, "x/upgrade"],
    ["dbus", { rules: [{ access: "talk", name: ":1.5" }] }, "x/rules/0/name"],
    ["dbus", { rules: [{ access: "call", path: "a" }] }, "x/rules/0/path"],
    ["drm", { nodes: { master: "card0" } }, "x/nodes/master"],
    ["drm", { nodes: { master: "/dev/dri/" } }, "x/nodes/master"],
    ["drm", { nodes: ["/dev/dri/card0"] }, "x/nodes"],
    ["input", { events: [{ type: "EV_SYN" }] }, "x/events/0/type"],
    ["input", { events: [{ type: "EV_REL", codes: [1, 16] }] }, "x/events/0/codes/1"],
    ["input", { events: [{ type: "EV_KEY", codes: [[68, 59]] }] }, "x/events/0/codes/0"],
    ["input", { grab: "yes" }, "x/grab"],
  ])("of type %s with %j is wrong", (type, item, path) => {
    expect(lint("export", type, item)).toEqual([`error extension-wrong ${path}`]);
  });
});

test("a key that its type or side does not read is a warning", () => {
  expect(lint("export", "rest", { identity: "cmsg" })).toEqual([
    "warning extension-unused x/identity",
  ]);
  expect(lint("requirement", "unix", { identity: "cmsg", fds: ["memfd"] })).toEqual([
    "warning extension-unused x/identity",
  ]);
});

test("the form of an input link is the requirement's", () => {
  expect(lint("requirement", "input", { form: "node", events: [] })).toEqual([]);
  expect(lint("requirement", "input", { form: "device" })).toEqual([
    "error extension-wrong x/form",
  ]);
  expect(lint("export", "input", { form: "node" })).toEqual(["warning extension-unused x/form"]);
});

test("nothing is said of a requirement whose provider is elsewhere", () => {
  expect(lint("requirement", undefined, { rules: 7 })).toEqual([]);
});

test("docs/manifest-extensions.md lists exactly the keys, with side and type of service", () => {
  const page = readFileSync(join(ROOT, "docs/manifest-extensions.md"), "utf8");
  const documented = [...page.matchAll(/^\| `(\w+)` +\| (.+?), (.+?) +\|/gm)].flatMap(
    ([, key = "", sides = "", types = ""]) =>
      sides
        .split(" and ")
        .flatMap((side) => types.split(" and ").map((type) => `${key} ${side} ${type}`)),
  );
  const known = Object.entries({ export: OF_EXPORT, requirement: OF_REQUIREMENT }).flatMap(
    ([side, types]) =>
      Object.entries(types).flatMap(([type, keys]) =>
        Object.keys(keys).map((key) => `${key} ${side} ${type}`),
      ),
  );
  expect(documented.sort()).toEqual(known.sort());
});
