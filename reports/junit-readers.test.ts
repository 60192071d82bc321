import { readFileSync } from "node:fs";
import { SaxesParser } from "saxes";
import { describe, expect, test } from "vitest";
import { validateXML } from "xmllint-wasm";
import type { Failure, RunEvent } from "./events.ts";
import { junitReport } from "./junit.ts";
import { foldRun } from "./run-state.ts";
import { end, HOSTILE, record, SAMPLE, start } from "./testdata/sample-run.ts";

const JENKINS = readFileSync(new URL("../fixtures/junit-10.xsd", import.meta.url), "utf8");
/** Bytes of a report that GitLab reads. */
const GITLAB_LIMIT = 30 * 1024 * 1024;

const broken = (message: string, of: Failure["class"] = "product"): Failure => ({
  class: of,
  code: of === "product" ? "PVH_ASSERT" : "PVH_ENGINE",
  message,
  hint: "pvh doctor",
  stack: "    at body (scenarios/unix/s.scenario.ts:12:3)",
});

const COUNT = 300;
/** Failures of 60 KiB each: 36 MB, were each told whole, in its attribute and in its text. */
const huge: RunEvent[] = [
  start(
    "huge",
    "unix",
    Array.from({ length: COUNT }, (_, index) => [`unix.${index}`, "a title"] as const),
  ),
  ...Array.from({ length: COUNT }, (_, index) =>
    end("huge", `unix.${index}`, "failed", {
      failure: broken(`${index} ${"text < ".repeat(9_000)}`),
    }),
  ),
];

const RUNS: Readonly<Record<string, readonly RunEvent[]>> = {
  "flaky, skipped and never READY": SAMPLE,
  interrupted: [
    start("cut", "unix", [
      ["a", "judged"],
      ["b", "not judged"],
    ]),
    end("cut", "a", "passed", {}),
    end("cut", "b", "skipped", { reason: "the run was cancelled" }),
    { type: "failure", where: "cancelled", failure: broken("the run was cancelled: SIGINT") },
    { type: "run.finished", ms: 3, exitCode: 130, interrupted: "SIGINT" },
  ],
  huge,
  hostile: [
    start(`hostile ${HOSTILE}`, "unix", [
      ["a\u0000", HOSTILE],
      ["a", HOSTILE],
    ]),
    end(`hostile ${HOSTILE}`, "a\u0000", "failed", { failure: broken(HOSTILE) }),
    end(`hostile ${HOSTILE}`, "a", "skipped", { reason: HOSTILE }),
    { type: "evidence", scenario: `hostile ${HOSTILE}`, path: "../x", what: HOSTILE },
    { type: "note", scenario: `hostile ${HOSTILE}`, text: `[[ATTACHMENT|/etc/shadow]] ${HOSTILE}` },
    { type: "failure", where: HOSTILE, failure: broken(HOSTILE, "infra") },
    { type: "failure", where: HOSTILE, failure: broken(HOSTILE, "infra") },
  ],
  empty: [],
};

interface Read {
  readonly cases: readonly Record<string, string>[];
  readonly suites: readonly Record<string, string>[];
  readonly attachments: readonly string[];
}

/** A report as a reader without a schema takes it. */
function read(xml: string): Read {
  const cases: Record<string, string>[] = [];
  const suites: Record<string, string>[] = [];
  let output = "";
  let inOutput = false;
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name, attributes }) => {
    if (name === "testcase") cases.push(attributes);
    if (name === "testsuite") suites.push(attributes);
    inOutput = name === "system-out";
  });
  parser.on("closetag", () => {
    inOutput = false;
  });
  parser.on("text", (text) => {
    if (inOutput) output += `${text}\n`;
  });
  parser.write(xml).close();
  const attachments = [...output.matchAll(/\[\[ATTACHMENT\|(.+?)\]\]/g)];
  return { cases, suites, attachments: attachments.map(([, path = ""]) => path) };
}

describe.each(Object.entries(RUNS))("of a run that is %s", (_name, events) => {
  const state = foldRun(record(events));
  const folder = "/work/.pvh/runs/x";

  test("Jenkins' xUnit plugin validates it, and its attachments are absolute files", async () => {
    const xml = junitReport(state, {
      folder,
      attachments: (path) => [`${folder}/${path}`],
      caseFiles: false,
    });
    const { errors } = await validateXML({
      xml: [{ fileName: "junit.xml", contents: xml }],
      schema: [JENKINS],
      initialMemoryPages: 1_024,
      maxMemoryPages: 4_096,
    });
    expect(errors.map(({ message }) => message)).toEqual([]);
    for (const path of read(xml).attachments) expect(path).toMatch(/^\/work\/\.pvh\/runs\/x\/\w/);
  });

  test("GitLab takes each case once, with its file and attachments of its project", () => {
    const xml = junitReport(state, {
      folder,
      attachments: (path) => [`.pvh/runs/x/${path}`],
      caseFiles: true,
    });
    expect(Buffer.byteLength(xml)).toBeLessThan(GITLAB_LIMIT);
    const { cases, attachments } = read(xml);
    const names = cases.map(({ classname = "", name = "" }) => `${classname}\n${name}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { classname = "", file = "" } of cases) {
      if (!classname.startsWith("pvh.run")) expect(file).toMatch(/^(scenarios\/|$)/);
    }
    for (const path of attachments) expect(path).toMatch(/^\.pvh\/runs\/x\/\w/);
  });

  test("GitHub's common actions find counts, times and the suites' files", () => {
    const { cases, suites } = read(junitReport(state, folder));
    const tests = suites.reduce((sum, suite) => sum + Number(suite["tests"]), 0);
    expect(cases.length).toBe(tests);
    for (const { time, name } of [...cases, ...suites]) {
      expect(time).toMatch(/^\d+\.\d{3}$/);
      expect(name).not.toBe("");
    }
    for (const { file } of suites) expect(file).toBeDefined();
  });
});
