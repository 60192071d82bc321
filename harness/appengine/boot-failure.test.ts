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

test("an ended pv-appengine is reported with its code and its last complaint", () => {
  const output = `${launch}[pvtest] 1 ERROR -- [pv-appengine]: x.tgz: unexpected end of file\nbye\n`;
  expect(bootFailure({ output, exitCode: 1, log: "" })).toMatch(
    /exit code 1: .*x\.tgz: unexpected end/,
  );
});

test("three launches without READY are a reboot loop", () => {
  expect(bootFailure({ output: launch.repeat(3), exitCode: undefined, log: "crashed" })).toMatch(
    /^reboot loop: pantavisor was started 3 times without READY/,
  );
});
