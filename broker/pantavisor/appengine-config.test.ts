import { expect, it } from "vitest";
import { toConfig } from "./appengine-config.ts";

it("the environment beats the file, the file beats the defaults", () => {
  const text = "# comment\nPV_STORAGE_MNTPOINT=/data\n PV_LOG_LEVEL = \nPV_LOG_LEVEL=2\n";
  const config = toConfig(text, { PV_LOG_LEVEL: "5", HOME: "/root" });
  expect(config.storage).toBe("/data");
  expect(config.runDirectory).toBe("/run/pantavisor/pv");
  expect(config.values.get("PV_LOG_LEVEL")).toEqual({ value: "5", layer: "env" });
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

it("each layer is over those before it: file, policy, OEM, command line, environment", () => {
  const files: Readonly<Record<string, string>> = {
    "/etc/pantavisor/policies/test.config":
      "PV_DEBUG_SSH=0\nPV_NET_BRDEV=policy0\nPV_WDT_TIMEOUT=1\n",
    "/data/trails/locals/x/maker/test.config":
      "PV_NET_BRDEV=maker0\nPV_WDT_TIMEOUT=2\nPV_LOG_LEVEL=3\n",
  };
  const text = "PV_STORAGE_MNTPOINT=/data\nPV_OEM_NAME=maker\nPV_LOG_LEVEL=1\nPH_CREDS_PORT=1\n";
  const { values } = toConfig(
    text,
    { PV_UPDATER_COMMIT_DELAY: "9" },
    {
      cmdline:
        "pv_rev=locals/x pv_policy=test pv_updater.commit.delay=8 ph_creds.port=43 pv_PV_LXC_LOG_LEVEL=4",
      read: (path) => files[path],
    },
  );
  expect(values.get("PV_DEBUG_SSH")).toEqual({ value: "0", layer: "policy" });
  expect(values.get("PV_NET_BRDEV")).toEqual({ value: "maker0", layer: "oem config" });
  // An OEM's file may not set it.
  expect(values.get("PV_WDT_TIMEOUT")).toEqual({ value: "1", layer: "policy" });
  expect(values.get("PV_LOG_LEVEL")).toEqual({ value: "3", layer: "oem config" });
  expect(values.get("PV_UPDATER_COMMIT_DELAY")).toEqual({ value: "9", layer: "env" });
  // pantavisor.config may not set the cloud's.
  expect(values.get("PH_CREDS_PORT")).toEqual({ value: "43", layer: "ph cmdline" });
  expect(values.get("PV_LXC_LOG_LEVEL")).toEqual({ value: "4", layer: "pv cmdline" });
});

it("a policy that is a path is none", () => {
  const read = (): string => "PV_DEBUG_SSH=0\n";
  const { values } = toConfig("", { PV_POLICY: "../x" }, { read });
  expect(values.get("PV_DEBUG_SSH")?.layer).toBe("default");
});

it("booleans may be words, durations have units, and what is none of its kind is left out", () => {
  const { values } = toConfig("", {
    PV_DEBUG_SSH: "no",
    PV_CONTROL_REMOTE: "TRUE",
    PV_POWER_WAKE_INTERVAL: "10min",
    PV_LOG_SERVER_OUTPUTS: "filetree,stdout_direct",
    PV_SECUREBOOT_MODE: "soft",
    PV_WDT_TIMEOUT: "1x",
    pv_log_level: "2",
  });
  const of = (key: string) => values.get(key)?.value;
  expect(of("PV_DEBUG_SSH")).toBe("0");
  expect(of("PV_CONTROL_REMOTE")).toBe("1");
  expect(of("PV_POWER_WAKE_INTERVAL")).toBe("600");
  expect(of("PV_LOG_SERVER_OUTPUTS")).toBe("196");
  expect(of("PV_SECUREBOOT_MODE")).toBe("disabled");
  expect(of("PV_WDT_TIMEOUT")).toBe("15");
  expect(of("PV_LOG_LEVEL")).toBe("2");
});
