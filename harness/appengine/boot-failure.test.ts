import { expect, test } from "vitest";
import { bootFailure } from "./boot-failure.ts";

const launch = "[pvtest] 1795389991 INFO -- [pv-appengine]: launching pantavisor rev=0\n";

test("a boot that is still going has no reason to fail", () => {
  expect(bootFailure({ output: launch, exitCode: undefined, log: "" })).toBeUndefined();
  expect(bootFailure({ output: launch + launch, exitCode: undefined, log: "" })).toBeUndefined();
});

test("a missing required service is named before anything else", () => {
  const log =
    "[pantavisor] 12 ERROR\t -- [state]: (pv_state_run:1) required service 'no-such-service' for platform 'orphan-client' not found";
  expect(bootFailure({ output: launch.repeat(9), exitCode: 0, log })).toBe(
    "required service 'no-such-service' of container 'orphan-client' is provided by no container",
  );
});

test("an export that came too late for a used volume is named", () => {
  const facts = { output: launch, exitCode: undefined, log: "" };
  expect(bootFailure({ ...facts, late: "mine.pvrexport.tgz" })).toMatch(
    /volume was used before.*mine\.pvrexport\.tgz/,
  );
});

test("a program that is not in its container is named, with the container", () => {
  const log =
    'lxc-start shop 20261130221828.132 ERROR    start - ../src/lxc/start.c:start:2197 - No such file or directory - Failed to exec "/usr/bin/nosuch"\n';
  expect(bootFailure({ output: launch, exitCode: undefined, log })).toBe(
    `container 'shop' cannot start its program: No such file or directory - Failed to exec "/usr/bin/nosuch"`,
  );
});

test("an ended pv-appengine is reported with its code and its last complaint", () => {
  const output = `${launch}[pvtest] 1 ERROR -- [pv-appengine]: x.tgz: unexpected end of file\nbye\n`;
  expect(bootFailure({ output, exitCode: 1, log: "" })).toMatch(
    /exit code 1: .*x\.tgz: unexpected end/,
  );
  const refused = `${launch}pantavisor: c/run.json: name: wrong\n[pvtest] 2 DEBUG -- pantavisor exited\n`;
  expect(bootFailure({ output: refused, exitCode: 1, log: "" })).toBe(
    "pv-appengine ended with exit code 1: pantavisor: c/run.json: name: wrong",
  );
});

test("three launches without READY are a reboot loop", () => {
  expect(bootFailure({ output: launch.repeat(3), exitCode: undefined, log: "crashed" })).toMatch(
    /^reboot loop: pantavisor was started 3 times without READY/,
  );
  const log = [
    "[pantavisor] 1 WARN\t -- [state]: (pv_state_run:865) platform 'x' suddenly stopped (exit code 1)",
    "[pantavisor] 1 ERROR\t -- [controller]: (_pv_wait:502) platform 'x' did not work as expected. Tearing down...",
  ].join("\n");
  expect(bootFailure({ output: launch.repeat(4), exitCode: undefined, log })).toBe(
    "reboot loop: pantavisor was started 4 times without READY: platform 'x' suddenly stopped (exit code 1)",
  );
});
