import { describe, expect, it } from "vitest";
import { exitCodeFromLog, lxcConfig, startErrorFromLog } from "./lxc-config.ts";

it("pantavisor's lines follow the container's own, so that they win", () => {
  const text = lxcConfig("lxc.init.cmd = /sbin/init\nlxc.log.level = FATAL\n\n", {
    name: "c",
    logFolder: "/logs/0/c/lxc",
    controlSocket: "/run/pv-ctrl",
    environment: { PVH_TIME_SCALE: "100" },
  });
  expect(text).toBe(
    [
      "lxc.init.cmd = /sbin/init",
      "lxc.log.level = FATAL",
      "lxc.uts.name = c",
      "lxc.apparmor.profile = unconfined",
      "lxc.log.file = /logs/0/c/lxc/lxc.log",
      "lxc.log.level = INFO",
      "lxc.console.logfile = /logs/0/c/lxc/console.log",
      "lxc.console.size = 16777216",
      "lxc.console.rotate = 1",
      "lxc.mount.entry = /run/pv-ctrl pantavisor/pv-ctrl none bind,create=file 0 0",
      "lxc.environment = PVH_TIME_SCALE=100",
      "",
    ].join("\n"),
  );
});

describe("files that the state lays over the root", () => {
  const additions = { name: "c", logFolder: "/l", controlSocket: "/s", environment: {} };
  const over = (own: string) => lxcConfig(own, { ...additions, configFolder: "/configs/c" });

  it("are its uppermost layer that is read only", () => {
    const own = [
      "lxc.rootfs.path = dir:/old",
      "  lxc.rootfs.path=overlayfs:/volumes/c/root.squashfs:/volumes/c/lxc-overlay/upper \r",
    ].join("\n");
    expect(over(own).match(/^lxc.rootfs.path = overlayfs.*$/gm)).toEqual([
      "lxc.rootfs.path = overlayfs:/configs/c:/volumes/c/root.squashfs:/volumes/c/lxc-overlay/upper",
    ]);
    expect(lxcConfig(own, additions)).not.toContain("/configs/c");
  });

  it.each(["lxc.rootfs.path = dir:/x", "# lxc.rootfs.path = overlayfs:/a:/b", ""])(
    "cannot be laid over %j",
    (own) => {
      expect(() => over(own)).toThrow("its _config cannot be laid over lxc.rootfs.path");
    },
  );
});

describe("lxc.log", () => {
  const line = (level: string, text: string) =>
    `lxc-start c 20261123005855.465 ${level.padEnd(8)} error - ../src/lxc/error.c:x:34 - ${text}\n`;

  it.each([
    ["nothing about the end", line("INFO", 'Container "c" is initialized'), 0],
    ["an exit code", line("INFO", "Child <60> ended on error (7)"), 7],
    ["a signal", line("INFO", "Child <60> ended on signal Killed(9)"), null],
    [
      "the last of several",
      line("INFO", "Child <60> ended on error (7)") + line("INFO", "Child <61> ended on error (8)"),
      8,
    ],
  ])("with %s", (_, log, code) => {
    expect(exitCodeFromLog(log)).toBe(code);
  });

  it("tells the first error of a failed start", () => {
    const log =
      line("INFO", "Exec'ing") + line("ERROR", 'Failed to exec "/no"') + line("ERROR", "Failed");
    expect(startErrorFromLog(log)).toBe('Failed to exec "/no"');
    expect(startErrorFromLog("")).toBeUndefined();
  });
});
