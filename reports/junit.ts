import type { Failure } from "./events.ts";
import { factLines, whereLines, WHOLE } from "./block-lines.ts";
import { blocksOf, checkBlock, outsideBlock, withUnrun } from "./failure-block.ts";
import type { FailureBlock } from "./failure-block.ts";
import { exitReason } from "./exit-code.ts";
import { insidePath } from "./inside-path.ts";
import { asTold } from "./junit.quirk.ts";
import { failuresOf, inOrder, lastAttempt, untoldFailures } from "./run-state.ts";
import type {
  AttemptState,
  CheckState,
  OutsideFailure,
  RunState,
  ScenarioState,
} from "./run-state.ts";
import { hasBegun, unrunChecks } from "./told-once.ts";
import type { Unrun } from "./told-once.ts";
import { xmlAttributes, xmlText } from "./xml.ts";

/** Bytes of system-out that Jenkins and GitLab still take gladly. */
const OUTPUT_LIMIT = 64 * 1024;
/** Bytes of the whole report: GitLab takes 30 MB, and Jenkins holds all of it in memory. */
const REPORT_LIMIT = 20_000_000;
/** Characters of a failure's text, tried until the report is small enough. */
const TEXT_LIMITS = [Infinity, 16_384, 4_096, 1_024, 256];
/** Files of evidence that a case names. */
const MOST_ATTACHMENTS = 40;

/** Differences from one CI to another. */
export interface JunitDialect {
  /** The run directory, as the reader may open it. */
  readonly folder: string;
  /** Paths of the files that a path of evidence, relative to the run directory, stands for. */
  readonly attachments: (path: string) => readonly string[];
  /** Each case names its file: GitLab shows it, and junit-10.xsd refuses it. */
  readonly caseFiles: boolean;
}

/**
 * junit.xml in the dialect that Jenkins' junit-10.xsd, GitLab and the GitHub actions all read:
 * `error` is the infrastructure's or pvh's fault, `failure` the product's; times have three
 * decimals; timestamps are UTC without a zone; each case has a name of its own.
 *
 * A failure outside of any check is a case of its own, in its scenario's suite or in the run's
 * suite `pvh`, so that a failed run always has a failed case.
 *
 * @param of the dialect, or the run directory as CI sees it
 */
export function junitReport(state: RunState, of: string | JunitDialect): string {
  const dialect =
    typeof of === "string"
      ? { folder: of, attachments: (path: string) => [`${of}/${path}`], caseFiles: false }
      : of;
  let report = "";
  const lengths = failuresOf(state).map(({ message, stack = "" }) => message.length + stack.length);
  for (const longest of TEXT_LIMITS) {
    // A text stands in an attribute and in an element: what is surely too large is not made.
    const least = sumOf(lengths.map((length) => 2 * Math.min(length, longest)));
    if (least > REPORT_LIMIT && longest !== TEXT_LIMITS.at(-1)) continue;
    report = reportXml(asTold(state), {
      ...dialect,
      longest,
      names: new Set(),
      unrun: unrunChecks(state),
      tellers: new Map(
        state.failures.map(({ where, failure }) => [failure.message, `the run: ${where}`]),
      ),
    });
    if (Buffer.byteLength(report) <= REPORT_LIMIT) break;
  }
  return report;
}

interface Writing extends JunitDialect {
  /** Characters of a failure's text. */
  readonly longest: number;
  /** Names of the cases so far, each with its class. */
  readonly names: Set<string>;
  readonly unrun: ReadonlyMap<string, Unrun>;
  /** Names of the cases that tell the failures of `unrun`, by the messages of these. */
  readonly tellers: Map<string, string>;
}

function reportXml(state: RunState, writing: Writing): string {
  const suites = inOrder(state).map((scenario, id) => suiteXml(state, scenario, id, writing));
  if (state.failures.length > 0) suites.push(runSuiteXml(state, suites.length, writing));
  const all = suites.map(({ counts }) => counts);
  const attributes = xmlAttributes({
    name: "pvh",
    tests: sum(all, "tests"),
    failures: sum(all, "failures"),
    errors: sum(all, "errors"),
    time: seconds(state.finished?.ms ?? sum(all, "ms")),
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes}>`,
    ...suites.map(({ xml }) => xml),
    "</testsuites>",
    "",
  ].join("\n");
}

interface SuiteCounts {
  readonly tests: number;
  readonly failures: number;
  readonly errors: number;
  readonly skipped: number;
  readonly ms: number;
}

function suiteXml(
  state: RunState,
  scenario: ScenarioState,
  id: number,
  writing: Writing,
): { xml: string; counts: SuiteCounts } {
  const attempt = lastAttempt(scenario);
  const checks = [...attempt.checks.values()];
  const outside = untoldFailures(attempt);
  const failures = [
    ...checks.filter(({ verdict }) => verdict === "failed").map((check) => failureOfCheck(check)),
    ...outside.map(({ failure }) => failure),
  ];
  const counts = {
    tests: checks.length + outside.length,
    ...elementsOf(failures.map((failure) => elementOf(failure))),
    skipped: checks.filter((check) => isSkipped(check)).length,
    ms: attempt.ms,
  };
  const attributes = suiteAttributes(state, counts, {
    name: scenario.name,
    t: attempt.t,
    id,
    file: scenario.file,
  });
  const properties = {
    "pvh.suite": scenario.suite,
    "pvh.image": state.started?.image ?? "",
    "pvh.image.id": state.imageId ?? "",
    ...(state.broker !== undefined && { "pvh.broker": state.broker }),
    "pvh.profile": state.started?.profile ?? "",
    "pvh.quirks": state.started?.quirks.join(",") ?? "",
    "pvh.seed": state.started?.seed ?? 0,
    // A pass that is flaky and a run without a verdict have no case that says so.
    "pvh.exit": state.finished?.exitCode ?? "",
    "pvh.exit.reason": exitReason(state) ?? "",
  };
  const xml = [
    `  <testsuite${attributes}>`,
    "    <properties>",
    ...Object.entries(properties)
      .filter(([, value]) => value !== "")
      .map(([name, value]) => `      <property${xmlAttributes({ name, value })}/>`),
    "    </properties>",
    ...checks.map((check) => caseXml(state, scenario, attempt, check, writing)),
    ...outside.map((one) =>
      outsideXml(`pvh.scenarios.${scenario.name}`, outsideBlock(scenario.name, one), one, writing),
    ),
    `    <system-out>${xmlText(tail(harmless(attempt.notes.join("\n"))))}</system-out>`,
    "    <system-err/>",
    "  </testsuite>",
  ].join("\n");
  return { xml, counts };
}

/** The suite of what failed of the run itself. */
function runSuiteXml(
  state: RunState,
  id: number,
  writing: Writing,
): { xml: string; counts: SuiteCounts } {
  const { failures, started } = state;
  const counts = {
    tests: failures.length,
    ...elementsOf(failures.map(elementOfOutside)),
    skipped: 0,
    ms: 0,
  };
  const about = { name: "pvh", t: started?.t ?? 0, id, file: "events.jsonl" };
  const xml = [
    `  <testsuite${suiteAttributes(state, counts, about)}>`,
    "    <properties/>",
    ...failures.map((one) => {
      const block = withUnrun(outsideBlock("the run", one), writing.unrun);
      return outsideXml("pvh.run", block, one, writing);
    }),
    "    <system-out/>",
    "    <system-err/>",
    "  </testsuite>",
  ].join("\n");
  return { xml, counts };
}

function suiteAttributes(
  state: RunState,
  { tests, failures, errors, skipped, ms }: SuiteCounts,
  of: { readonly name: string; readonly t: number; readonly id: number; readonly file: string },
): string {
  return xmlAttributes({
    name: of.name,
    tests,
    failures,
    errors,
    skipped,
    time: seconds(ms),
    timestamp: new Date(of.t).toISOString().slice(0, 19),
    hostname: state.started?.host.name ?? "unknown",
    id: of.id,
    package: "pvh",
    file: of.file,
  });
}

function elementsOf(elements: readonly Element[]): Pick<SuiteCounts, "failures" | "errors"> {
  const count = elements.filter((element) => element === "failure").length;
  return { failures: count, errors: elements.length - count };
}

function outsideXml(
  classname: string,
  block: FailureBlock,
  outside: OutsideFailure,
  writing: Writing,
): string {
  const names = uniqueName(classname, outside.where, writing);
  return [
    `    <testcase${names}${xmlAttributes({ time: seconds(0) })}>`,
    `      ${failureXml(block, writing, elementOfOutside(outside))}`,
    "    </testcase>",
  ].join("\n");
}

function caseXml(
  state: RunState,
  scenario: ScenarioState,
  attempt: AttemptState,
  check: CheckState,
  writing: Writing,
): string {
  const { caseFiles } = writing;
  const names = uniqueName(
    `pvh.scenarios.${scenario.name}`,
    `${check.title} (${check.id})`,
    writing,
  );
  const attributes = `${names}${xmlAttributes({
    file: caseFiles ? scenario.file : undefined,
    time: seconds(check.ms),
  })}`;
  const body = [
    ...verdictXml(scenario, check, writing),
    ...earlierXml(scenario, check, writing),
    ...(check.failure === undefined ? [] : [outputXml(state, scenario, attempt, writing)]),
  ];
  if (body.length === 0) return `    <testcase${attributes}/>`;
  return [
    `    <testcase${attributes}>`,
    ...body.map((line) => `      ${line}`),
    "    </testcase>",
  ].join("\n");
}

/** Class and name of a case; what is left of two names may be the same. */
function uniqueName(classname: string, wanted: string, { names }: Writing): string {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? wanted : `${wanted} (${number})`;
    const attributes = xmlAttributes({ classname, name });
    if (names.has(attributes)) continue;
    names.add(attributes);
    return attributes;
  }
}

function verdictXml(scenario: ScenarioState, check: CheckState, writing: Writing): string[] {
  if (check.verdict === "failed") {
    const told = { ...check, failure: failureOfCheck(check) };
    return checkBlock(scenario.name, told).map((block) =>
      checkFailureXml(scenario, block, writing),
    );
  }
  if (!isSkipped(check)) return [];
  return [
    `<skipped${xmlAttributes({ message: check.reason ?? `${scenario.name} did not end` })}/>`,
  ];
}

/** The failure of a check; one that kept many from running is told by the first. */
function checkFailureXml(scenario: ScenarioState, block: FailureBlock, writing: Writing): string {
  if (hasBegun(lastAttempt(scenario))) return failureXml(block, writing);
  const { unrun, tellers } = writing;
  const { code, message } = block.failure;
  const teller = tellers.get(message);
  if (teller === undefined) {
    tellers.set(message, block.name);
    return failureXml(withUnrun(block, unrun), writing);
  }
  const attributes = xmlAttributes({ type: code, message: `not run, as ${teller}` });
  return `<${elementOf(block.failure)}${attributes}/>`;
}

function failureXml(
  block: FailureBlock,
  { longest }: Writing,
  element = elementOf(block.failure),
): string {
  const type = block.failure.code;
  const message = cut(block.failure.message, longest);
  const details = xmlText(cut(harmless(detailsOf(block)), longest));
  // GitLab used to ignore the attribute: the text says it again.
  return `<${element}${xmlAttributes({ type, message })}>${details}</${element}>`;
}

/** A check that failed without a reason is one that the record has lost. */
function failureOfCheck({ id, failure }: CheckState): Failure {
  const message = `${id}: it failed without a reason`;
  return failure ?? { class: "harness", code: "PVH_VERDICT", message };
}

/** Attempts before the last one: a pass after them is flaky, a failure was tried again. */
function earlierXml(scenario: ScenarioState, check: CheckState, { longest }: Writing): string[] {
  return scenario.attempts.slice(0, -1).flatMap((attempt, index) => {
    const earlier = attempt.checks.get(check.id);
    const [block] = earlier === undefined ? [] : checkBlock(scenario.name, earlier);
    if (block === undefined) return [];
    const { failure } = block;
    const kind = elementOf(failure) === "failure" ? "Failure" : "Error";
    const element = `${check.verdict === "passed" ? "flaky" : "rerun"}${kind}`;
    const message = cut(`attempt ${index + 1}: ${failure.message}`, longest);
    const details = xmlText(cut(harmless(detailsOf(block)), longest));
    const stack = `<stackTrace>${details}</stackTrace>`;
    return [`<${element}${xmlAttributes({ type: failure.code, message })}>${stack}</${element}>`];
  });
}

function outputXml(
  state: RunState,
  scenario: ScenarioState,
  attempt: AttemptState,
  { attachments, folder }: Writing,
): string {
  const [block] = blocksOf(state, scenario, folder);
  const files = attempt.evidence
    .flatMap(({ path }) => (insidePath(path) === undefined ? [] : attachments(path)))
    .slice(0, MOST_ATTACHMENTS);
  const lines = [
    ...(block === undefined ? [] : whereLines(block, WHOLE).map(harmless)),
    ...files.map((path) => `[[ATTACHMENT|${path}]]`),
  ];
  return `<system-out>${xmlText(tail(lines.join("\n")))}</system-out>`;
}

/** The failure as text; the message in whole, since the lines of a fact are short. */
function detailsOf(block: FailureBlock): string {
  const { failure } = block;
  return [...factLines(block, WHOLE), ...(failure.stack === undefined ? [] : [failure.stack])].join(
    "\n",
  );
}

type Element = "failure" | "error";

function elementOf(failure: Failure): Element {
  return failure.class === "product" || failure.class === "scenario" ? "failure" : "error";
}

/** A run that was cut short has not judged the product. */
function elementOfOutside({ where, failure }: OutsideFailure): Element {
  return where === "cancelled" ? "error" : elementOf(failure);
}

function isSkipped({ verdict }: CheckState): boolean {
  return verdict !== "passed" && verdict !== "failed";
}

/** Text of a container that neither Jenkins nor GitLab takes for the name of a file to attach. */
function harmless(text: string): string {
  return text.replaceAll("[[", "[ [");
}

function cut(text: string, longest: number): string {
  if (text.length <= longest) return text;
  return `${text.slice(0, longest)}… (${text.length - longest} more characters)`;
}

/** The last part of a text that fits the limit, from the start of a line where it was cut. */
function tail(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= OUTPUT_LIMIT) return text;
  const cut = bytes.subarray(bytes.length - OUTPUT_LIMIT).toString("utf8");
  return cut.slice(cut.indexOf("\n") + 1);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function sum(all: readonly SuiteCounts[], key: keyof SuiteCounts): number {
  return sumOf(all.map((counts) => counts[key]));
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
