import { expect, test } from "vitest";
import { complaints } from "./judge.ts";
import type { Outcome } from "./judge.ts";

const good: Outcome = {
  disturbance: "SIGINT",
  disturbed: true,
  ended: 130,
  ms: 2_000,
  recorded: true,
  reports: [],
  reported: 130,
  next: 0,
  left: [],
};

test.each<[string, Partial<Outcome>]>([
  ["a signal", {}],
  ["a signal before the program runs", { ended: "SIGINT", recorded: false, reported: undefined }],
  [
    "a killed runner",
    { disturbance: "kill-runner", ended: "SIGKILL", reported: 0, reports: ["no"] },
  ],
  ["an engine that is gone", { disturbance: "kill-engine", ended: 3, reported: 3 }],
  [
    "a disk without room for reports",
    { disturbance: "full-disk", ended: 3, reported: undefined, reports: ["no"] },
  ],
  ["a run that had ended before", { disturbed: false, ended: 0, reported: 0 }],
])("%s is as it is promised", (_what, outcome) => {
  expect(complaints({ ...good, ...outcome })).toEqual([]);
});

test.each<[string, Partial<Outcome>]>([
  ["a wrong exit code", { ended: 1 }],
  ["an end by the signal itself, with a record", { ended: "SIGINT" }],
  ["a slow end", { ms: 10_100 }],
  ["missing reports", { reports: ["junit.xml: no such file"] }],
  ["reports that say something else", { reported: 0 }],
  ["a next command that fails", { next: 3 }],
  ["things left behind", { left: ["volume pvh-1-storage"] }],
  ["an engine's end told as the product's", { disturbance: "kill-engine", ended: 1, reported: 1 }],
  [
    "a killed worker that leaves no reports",
    { disturbance: "kill-worker", ended: 70, reported: undefined, reports: ["no"] },
  ],
])("%s breaks a promise", (_what, outcome) => {
  expect(complaints({ ...good, ...outcome })).not.toEqual([]);
});
