import { expect, test } from "vitest";
import { hostConfig, missingFrom, missingOnEngine } from "./privilege-profile.ts";

test("a full bounding set gives --privileged", () => {
  expect(missingFrom("000001ffffffffff", 40)).toEqual([]);
  expect(hostConfig([])).toMatchObject({ Privileged: true });
});

test("a missing capability is left out of everything else that there is", () => {
  const missing = missingFrom("000001fffeffffff", 40);
  expect(missing).toEqual(["SYS_RESOURCE"]);
  expect(hostConfig(missing)).toMatchObject({
    Privileged: false,
    CapAdd: ["ALL"],
    CapDrop: ["SYS_RESOURCE"],
  });
});

test("capabilities that the kernel does not know are not missing", () => {
  expect(missingFrom("0000003fffffffff", 37)).toEqual([]);
  expect(missingFrom("0000003fffffffff", 40)).toEqual(["PERFMON", "BPF", "CHECKPOINT_RESTORE"]);
});

test("an appengine has its own cgroup namespace and nothing masked either way", () => {
  for (const missing of [[], ["SYS_RESOURCE"]]) {
    expect(hostConfig(missing)).toMatchObject({
      CgroupnsMode: "private",
      MaskedPaths: [],
      ReadonlyPaths: [],
    });
  }
});

test("pvh in an unprivileged container says nothing about the engine beside it", () => {
  const inContainer = missingFrom("00000000a80425fb", 40);
  expect(inContainer).toContain("SYS_ADMIN");
  expect(missingOnEngine(inContainer)).toEqual([]);
  expect(missingOnEngine(["SYS_RESOURCE"])).toEqual(["SYS_RESOURCE"]);
});
