import { expect, test } from "vitest";
import { majorMinor, parseLoopDevices } from "./loop-devices.ts";

test("losetup's list is read, padding and all", () => {
  const json = `{"loopdevices": [{"name":"/dev/loop1", "back-ino":16064856, "back-maj:min":"254:0  "}]}`;
  expect(parseLoopDevices(json)).toEqual([
    { name: "/dev/loop1", inode: 16064856, device: "254:0" },
  ]);
});

test("device numbers read as the kernel writes them", () => {
  expect(majorMinor(65024)).toBe("254:0");
  expect(majorMinor(0x45)).toBe("0:69");
  expect(majorMinor(0x12345)).toBe("291:69");
  expect(majorMinor(0x100fe01)).toBe("254:4097");
});
