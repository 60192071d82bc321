import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { RealBus, obstacle } from "./real-bus.fixture.ts";

const run = promisify(execFile);
const why = obstacle();

describe.skipIf(why !== undefined)(
  `a real dbus-daemon${why === undefined ? "" : ` (${why})`}`,
  () => {
    test.each([
      ["nobody", "", 65_534],
      ["root", "", 0],
      ["1", "", 1], // dbus-daemon looks up the groups of a uid, so the host must have the account
      ["nobody", "dbus-role-ignored", 0],
    ])(
      "sees role %s with quirks '%s' as uid %i, asked by dbus-send and busctl",
      async (role, quirks, uid) => {
        await using bus = await RealBus.start(role, quirks);
        expect(await bus.uidOf(await bus.hold("\0AUTH EXTERNAL 30\r\nBEGIN\r\n"))).toBe(uid);
        const { stdout } = await run("dbus-send", [
          `--bus=unix:path=${bus.consumerPath}`,
          "--print-reply=literal",
          "--dest=org.freedesktop.DBus",
          "/org/freedesktop/DBus",
          "org.freedesktop.DBus.GetId",
        ]);
        expect(stdout.trim()).toMatch(/^[0-9a-f]{32}$/);
        expect((await bus.busctl(bus.consumerPath, "GetId")).trim()).toMatch(/^s "[0-9a-f]{32}"$/);
      },
    );

    const bare = "\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";
    const second = "\0AUTH EXTERNAL 31323334\r\nAUTH EXTERNAL 30\r\nBEGIN\r\n";
    test.each([
      ["a bare AUTH", bare, "", 65_534],
      ["a bare AUTH", bare, "dbus-bare-auth", 0],
      ["a second AUTH", second, "", 65_534],
      ["a second AUTH", second, "dbus-second-auth", 0],
    ])("gives %s (%j) of role nobody, quirks '%s', uid %i", async (_name, wire, quirks, uid) => {
      await using bus = await RealBus.start("nobody", quirks);
      expect(await bus.uidOf(await bus.hold(wire))).toBe(uid);
    });

    test("sees one connection for each of the consumer's, dbus-shared-connection apart", async () => {
      const libdbus = "\0AUTH EXTERNAL 30\r\nBEGIN\r\n";
      await using bus = await RealBus.start("nobody", "");
      expect(await bus.hold(libdbus)).not.toBe(await bus.hold(libdbus));
      await using one = await RealBus.start("nobody", "dbus-shared-connection");
      const name = await one.hold(libdbus);
      // The daemon refuses a second Hello of the same connection; its error shows the unique name.
      expect(await one.hold(libdbus)).toBe(name);
    });

    test("dbus-auth-strict keeps busctl out", async () => {
      await using bus = await RealBus.start("nobody", "dbus-auth-strict");
      await expect(bus.busctl(bus.consumerPath, "GetId")).rejects.toThrow();
    });
  },
);
