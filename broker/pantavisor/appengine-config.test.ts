import { expect, it } from "vitest";
import { toConfig } from "./appengine-config.ts";

it("the environment beats the file, the file beats the defaults", () => {
  const text = "# comment\nPV_STORAGE_MNTPOINT=/data\n PV_LOG_LEVEL = \nPV_LOG_LEVEL=2\n";
  const config = toConfig(text, { PV_LOG_LEVEL: "5", HOME: "/root" });
  expect(config.storage).toBe("/data");
  expect(config.runDirectory).toBe("/run/pantavisor/pv");
  expect(config.values.get("PV_LOG_LEVEL")).toBe("5");
  expect(config.values.has("HOME")).toBe(false);
});

it("the loop band is absent unless it is given", () => {
  expect(toConfig("", {}).loopIndexBase).toBeUndefined();
  expect(toConfig("", { PV_LOOP_INDEX_BASE: "-1" }).loopIndexBase).toBeUndefined();
  expect(toConfig("", { PV_LOOP_INDEX_BASE: "128" }).loopIndexBase).toBe(128);
});

it("a number that is none is refused by name", () => {
  expect(() => toConfig("PV_UPDATER_GOALS_TIMEOUT=soon", {})).toThrow(
    "PV_UPDATER_GOALS_TIMEOUT=soon",
  );
});
