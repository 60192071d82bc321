import { describe, expect, it } from "vitest";
import { none, parseQuirks } from "../quirks/quirks.ts";
import { STATE_SPEC, StateError, parseState } from "./state.ts";

const SHA = "0".repeat(64);
const run = (name: string, rest: object = {}) => ({
  "#spec": "service-manifest-run@1",
  name,
  ...rest,
});
const services = { services: [{ name: "raw", type: "unix", socket: "/run/raw.sock" }] };
const state = (entries: object) => ({ "#spec": STATE_SPEC, ...entries });
const parse = (entries: object, quirks = none) => parseState(state(entries), quirks);

describe("a good state", () => {
  it("gives the containers in the order of the text", () => {
    const { containers } = parse({ "z/run.json": run("z"), "a/run.json": run("a") });
    expect(containers.map(({ name }) => name)).toEqual(["z", "a"]);
  });

  it("attaches services.json before or after run.json", () => {
    const before = parse({ "a/services.json": services, "a/run.json": run("a") });
    const after = parse({ "a/run.json": run("a"), "a/services.json": services });
    expect(before.containers[0]?.exports).toEqual(services.services);
    expect(after.containers[0]?.exports).toEqual(services.services);
  });

  it("loses exports before run.json under services-order only", () => {
    const early = { "a/services.json": services, "a/run.json": run("a") };
    const late = { "a/run.json": run("a"), "a/services.json": services };
    const quirks = parseQuirks("services-order");
    expect(parse(early, quirks).containers[0]?.exports).toEqual([]);
    expect(parse(late, quirks).containers[0]?.exports).toEqual(services.services);
  });

  it("takes only NAME/run.json for a container", () => {
    const { containers } = parse({ "_config/a/run.json": {}, "bsp/run.json": {} });
    expect(containers).toEqual([]);
  });

  it("takes groups from device.json before groups.json", () => {
    const { groups } = parse({
      "groups.json": [{ name: "from-groups" }],
      "device.json": { groups: [{ name: "from-device" }] },
    });
    expect(groups?.map(({ name }) => name)).toEqual(["from-device"]);
  });
});

describe("a bad state is refused with the key named", () => {
  it.each([
    ["#spec", { "#spec": "other" }],
    ["a/root.squashfs", { "a/root.squashfs": "short" }],
    ["a/root.squashfs", { "a/root.squashfs": 7 }],
    ["a/../b", { "a/../b": SHA }],
    ["/etc/passwd", { "/etc/passwd": SHA }],
    ["a/run.json", { "a/run.json": "text" }],
    ["a/run.json: name: must be", { "a/run.json": run("b") }],
    ["a b/run.json", { "a b/run.json": run("a b") }],
    [
      "a/run.json: auto_recovery.max_retries",
      { "a/run.json": run("a", { auto_recovery: { max_retries: "x" } }) },
    ],
    ["a/run.json: restart_policy", { "a/run.json": run("a", { restart_policy: "never" }) }],
    ["a/services.json", { "a/run.json": run("a"), "a/services.json": { services: [{}] } }],
    ["groups.json", { "groups.json": [] }],
    ["a/x\\ny", { "a/x\ny": SHA }],
    ["a/b: a is a file already", { a: SHA, "a/b": SHA }],
    [".pvr/x.json: is where a revision keeps its own files", { ".pvr/x.json": {} }],
    [".pv/x.json: is where a revision keeps its own files", { ".pv/x.json": {} }],
    ["…: is too long for a path", { [`${"a/".repeat(600)}b`]: SHA }],
    ["…: is too long for a path", { [`a/${"b".repeat(256)}`]: SHA }],
    [": is too long for a path", { [`${"a/".repeat(32)}b`]: SHA }],
    ["a/run.json: holds more than 20000 values", { "a/run.json": { x: Array(20_001).fill(0) } }],
    ["groups.json: group 'x' comes twice", { "groups.json": [{ name: "x" }, { name: "x" }] }],
    ["groups.json: 0.name", { "groups.json": [{ name: "a/b" }] }],
    [
      "device.json: groups: 1.name",
      { "device.json": { groups: [{ name: "x" }, { name: "a\n" }] } },
    ],
    ["a/run.json: config", { "a/run.json": run("a", { config: "../b/conf" }) }],
    ["a/run.json: root-volume", { "a/run.json": run("a", { "root-volume": "/etc/passwd" }) }],
    ["a/run.json: volumes.0", { "a/run.json": run("a", { volumes: ["a/b"] }) }],
    [
      "a/run.json: drivers.required.0",
      { "a/run.json": run("a", { drivers: { required: ["../x"] } }) },
    ],
    [
      "a/run.json: services.required.0",
      { "a/run.json": run("a", { services: { required: ["x/y"] } }) },
    ],
    [
      "a/run.json: services.optional.0",
      { "a/run.json": run("a", { services: { optional: [{ name: "x\u0007" }] } }) },
    ],
    [
      "a/services.json: services.0.name",
      {
        "a/run.json": run("a"),
        "a/services.json": { services: [{ name: "x\ny", type: "unix", socket: "/s" }] },
      },
    ],
    [
      "a/services.json: 'x' of type unix comes twice",
      {
        "a/run.json": run("a"),
        "a/services.json": ["/s", "/t"].map((socket) => ({ name: "x", type: "unix", socket })),
      },
    ],
    ["bsp/drivers.json: #spec", { "bsp/drivers.json": {} }],
    [
      "bsp/drivers.json: all.a\\nb",
      { "bsp/drivers.json": { "#spec": "driver-aliases@1", all: { "a\nb": [] } } },
    ],
  ])("%s", (key, entries) => {
    expect(() => parse(entries)).toThrow(StateError);
    expect(() => parse(entries)).toThrow(key);
  });

  it("more containers than any appengine could run, before they are read", () => {
    const keys = Array.from({ length: 100_000 }, (_, index) => [`a${index}/run.json`, {}] as const);
    expect(() => parse(Object.fromEntries(keys))).toThrow(
      "state: 100000 containers are more than 2000",
    );
  });

  it.each([[null], [[]], ["text"], [7]])("%j is no state", (value) => {
    expect(() => parseState(value, none)).toThrow(StateError);
  });
});

it.each(["bsp", "_sigs", "_config"])("%s/run.json is no container's", (name) => {
  expect(parse({ [`${name}/run.json`]: { firmware: "x" } }).containers).toEqual([]);
});

it("more services than any appengine could link are refused as a whole", () => {
  const required = Array.from({ length: 5000 }, (_, index) => `s${index}`);
  const names = ["a", "b", "c", "d", "e"];
  const all = names.map((name) => [`${name}/run.json`, run(name, { services: { required } })]);
  expect(() => parse(Object.fromEntries(all) as Record<string, unknown>)).toThrow(
    "25000 services are more than 20000",
  );
});

it("recovery-unparsed drops auto_recovery", () => {
  const entries = { "a/run.json": run("a", { auto_recovery: { policy: "always" } }) };
  expect(parse(entries).containers[0]?.run.auto_recovery?.policy).toBe("always");
  const quirky = parse(entries, parseQuirks("recovery-unparsed"));
  expect(quirky.containers[0]?.run.auto_recovery).toBeUndefined();
});

it("target-alias-null takes no other key for target", () => {
  const required = [
    { name: "a", socket: "/run/a.sock" },
    { name: "b", interface: "/run/b.sock" },
    { name: "c", interface: "org.c", target: "/run/c.sock" },
  ];
  const entries = { "a/run.json": run("a", { services: { required } }) };
  const targets = (quirks = none) =>
    parse(entries, quirks).containers[0]?.run.services.required.map(({ target }) => target);
  expect(targets()).toEqual(["/run/a.sock", "/run/b.sock", "/run/c.sock"]);
  expect(targets(parseQuirks("target-alias-null"))).toEqual([undefined, undefined, "/run/c.sock"]);
});
