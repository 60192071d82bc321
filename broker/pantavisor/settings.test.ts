import { expect, it } from "vitest";
import { toConfig } from "./appengine-config.ts";
import { settingsOf } from "./settings.ts";

const settings = settingsOf(
  toConfig("PV_UPDATER_GOALS_TIMEOUT=20\nPV_DEBUG_SSH=1\n", { PV_LOG_LEVEL: "2", PVH_QUIRKS: "x" }),
);
const setting = (alias: string) => settings.find((one) => one.alias === alias);

it.each([
  ["updater.goals.timeout", "PV_UPDATER_GOALS_TIMEOUT", "20", 20, "pv conf file"],
  ["debug.ssh", "PV_DEBUG_SSH", "1", true, "pv conf file"],
  ["control.remote", "PV_CONTROL_REMOTE", "0", false, "default"],
  ["log.level", "PV_LOG_LEVEL", "2", 2, "env"],
  ["system.init.mode", "PV_SYSTEM_INIT_MODE", "appengine", 2, "default"],
  ["disk.voldir", "PV_DISK_VOLDIR", "/volumes", "/volumes", "default"],
])("%s is listed with its type and source", (alias, key, value, typed, modified) => {
  expect(setting(alias)).toEqual({ alias, key, value, typed, modified });
});

it("113 settings are listed in their order, 23 of them without a dotted name", () => {
  expect(settings).toHaveLength(113);
  expect(settings.filter(({ alias }) => alias === undefined)).toHaveLength(23);
  expect(settings[0]?.key).toBe("PH_CREDS_HOST");
  expect(settings.at(-1)?.key).toBe("PV_XCONNECT_DBUS_SYSTEMBUS_ENABLED");
});

it("user-meta changes what may change at run time, and a command is over it", () => {
  const config = toConfig("PV_WDT_TIMEOUT=20\n", {});
  const meta = { "log.level": "5", PV_WDT_TIMEOUT: "30", "updater.keep_factory": "yes", other: {} };
  const of = (key: string, overrides = new Map<string, string>()) =>
    settingsOf(config, overrides, meta).find((one) => one.key === key);
  expect(of("PV_LOG_LEVEL")).toMatchObject({ value: "5", typed: 5, modified: "metadata" });
  expect(of("PV_WDT_TIMEOUT")).toMatchObject({ value: "20", modified: "pv conf file" });
  expect(of("PV_STORAGE_GC_KEEP_FACTORY")).toMatchObject({ typed: true, modified: "metadata" });
  expect(of("PV_LOG_LEVEL", new Map([["PV_LOG_LEVEL", "1"]]))).toMatchObject({
    modified: "command",
  });
});

it("variables of the harness are no settings of pantavisor", () => {
  expect(settings.map(({ key }) => key)).not.toContain("PVH_QUIRKS");
});
