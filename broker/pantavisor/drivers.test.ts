import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parseDriverAliases } from "../shared/formats/drivers.ts";
import { none, parseQuirks } from "../shared/quirks/quirks.ts";
import { openDrivers } from "./drivers.ts";

let modules: string;
beforeEach(() => {
  modules = mkdtempSync(join(tmpdir(), "pvh-modules-"));
  mkdirSync(join(modules, "snd_hda"));
});
afterEach(() => rmSync(modules, { recursive: true }));

const aliases = parseDriverAliases({
  "#spec": "driver-aliases@1",
  all: { audio: ["snd-hda power=1"], wifi: ["iwlwifi"], nothing: [] },
  "fitconfig:board": { uart: ["8250"] },
});

const open = (needs: { required?: string[]; optional?: string[]; manual?: string[] }, quirk = "") =>
  openDrivers({
    aliases,
    needsOf: (container) =>
      container === "c" ? { required: [], optional: [], manual: [], ...needs } : undefined,
    quirks: quirk === "" ? none : parseQuirks(quirk),
    modules,
  });

it("a required driver that the kernel has is loaded at the start", () => {
  const drivers = open({ required: ["audio", "nothing"], manual: ["nothing"] });
  expect(drivers.list("c").map(({ status }) => status)).toEqual([
    "UNLOADED",
    "UNLOADED",
    "UNLOADED",
  ]);
  drivers.prepare("c");
  expect(drivers.list("c")[0]).toEqual({ name: "audio", type: "REQUIRED", status: "LOADED" });
});

it.each([
  ["uart", "required driver 'uart': bsp/drivers.json has no such alias"],
  ["wifi", "required driver 'wifi': the kernel has no module iwlwifi"],
])("a required driver that is missing stops the start by name: %s", (name, message) => {
  expect(() => open({ required: ["audio", name] }).prepare("c")).toThrow(message);
  expect(() => open({ required: [name] }, "drivers-ignored").prepare("c")).not.toThrow();
});

it("an optional one is tolerated, a manual one is left alone", () => {
  const drivers = open({ optional: ["uart", "wifi"], manual: ["audio"] });
  drivers.prepare("c");
  expect(drivers.list("c")).toEqual([
    { name: "uart", type: "OPTIONAL", status: "UNKNOWN" },
    { name: "wifi", type: "OPTIONAL", status: "UNLOADED" },
    { name: "audio", type: "MANUAL", status: "UNLOADED" },
  ]);
});

it("a container loads and unloads its own drivers, not others", () => {
  const drivers = open({ optional: ["wifi"], manual: ["audio"] });
  expect(drivers.set("c", "LOADED", "audio")).toBeUndefined();
  expect(drivers.list("c")[1]?.status).toBe("LOADED");
  expect(drivers.set("c", "UNLOADED")).toBeUndefined();
  expect(drivers.list("c")[1]?.status).toBe("UNLOADED");
  expect(drivers.set("c", "LOADED")).toBe("'wifi': the kernel has no module iwlwifi");
  expect(drivers.set("c", "LOADED", "nothing")).toBe("'nothing': not in run.json");
  expect(drivers.list("other")).toEqual([]);
});

it.each([
  [{ "#spec": "driver-aliases@2", all: {} }],
  [{ "#spec": "driver-aliases@1", all: { "a/b": [] } }],
  [{ "#spec": "driver-aliases@1", all: { a: ["../x"] } }],
])("drivers.json %j is refused", (document) => {
  expect(() => parseDriverAliases(document)).toThrow();
});
