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

it("variables of the harness are no settings of pantavisor", () => {
  expect(settings.map(({ key }) => key)).not.toContain("PVH_QUIRKS");
});
