import { expect, it } from "vitest";
import { lxcEnding } from "./lxc-container.ts";

const line = (level: string, text: string) =>
  `lxc-start c 20261123005855.465 ${level.padEnd(8)} conf - ../src/lxc/conf.c:x:34 - ${text}\n`;
const FAILED = 'No such file or directory - Failed to mount "/volumes/c/x" onto "/x"';
const errors = line("INFO", "Initialized") + line("ERROR", FAILED) + line("ERROR", "Aborting");

it.each([
  ["that gave up", 1, false, errors, { exitCode: 1, reason: FAILED }],
  ["that gave up in silence", 1, false, "", { exitCode: 1, reason: "lxc-start failed" }],
  ["killed before init ran", null, false, errors, { exitCode: null, reason: FAILED }],
  ["killed before init ran, in silence", null, false, "", { exitCode: null }],
  ["killed while init ran", null, true, errors, { exitCode: null }],
  ["whose init has ended", 0, true, line("INFO", "Child <6> ended on error (7)"), { exitCode: 7 }],
])("an lxc-start %s", (_, code, initRan, log, ending) => {
  expect(lxcEnding(code, initRan, log)).toEqual(ending);
});
