import { expect, test } from "vitest";
import { usualJobs } from "./usual-jobs.ts";

const GIB = 1024 ** 3;

test.each([
  ["two for each CPU", 2, 24 * GIB, 4],
  ["eight on a large machine", 64, 512 * GIB, 8],
  ["fewer where memory is short", 4, 2 * GIB, 4],
  ["one on the smallest machine", 1, GIB / 4, 1],
])("%s", (_what, cpus, memory, jobs) => {
  expect(usualJobs(cpus, memory)).toBe(jobs);
});
