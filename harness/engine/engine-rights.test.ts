import { expect, test } from "vitest";
import { checkRights, engineKind, lackOfRights } from "./engine-rights.ts";

test.each([
  [{ SecurityOptions: ["name=seccomp,profile=default"] }, {}, false, false],
  [{ SecurityOptions: ["name=seccomp,profile=default", "name=rootless"] }, {}, true, false],
  [{ SecurityOptions: ["name=rootless"] }, { Components: [{ Name: "Podman Engine" }] }, true, true],
  [{}, { Components: [{ Name: "Podman Engine" }] }, false, true],
  ["nonsense", null, false, false],
])("/info %j and /version %j", (info, version, isRootless, isPodman) => {
  expect(engineKind(info, version)).toEqual({ isRootless, isPodman });
});

test("a rootless engine is told what it lacks, and what helps", () => {
  const rootless = { isRootless: true, isPodman: true };
  expect(checkRights(rootless)).toMatchObject({ ok: false, found: "Podman is rootless" });
  expect(lackOfRights(rootless)).toMatch(/squashfs.*device node.*\n.*DOCKER_HOST=/);
  expect(lackOfRights({ isRootless: false, isPodman: false })).toBeUndefined();
});
