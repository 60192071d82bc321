import type { Failure } from "./events.ts";
import { factLines, whereLines, WHOLE } from "./block-lines.ts";
import { blocksOf, checkBlock, outsideBlock } from "./failure-block.ts";
import type { FailureBlock } from "./failure-block.ts";
import { exitReason } from "./exit-code.ts";
import { lastAttempt, untoldFailures } from "./run-state.ts";
import type {
  AttemptState,
  CheckState,
  OutsideFailure,
  RunState,
  ScenarioState,
} from "./run-state.ts";
import { xmlAttributes, xmlText } from "./xml.ts";

/** Bytes of system-out that Jenkins and GitLab still take gladly. */
const OUTPUT_LIMIT = 64 * 1024;

/**
 * junit.xml in the dialect that Jenkins' junit-10.xsd, GitLab and the GitHub actions all read:
 * `error` is the infrastructure's or pvh's fault, `failure` the product's; times have three
 * decimals; timestamps are UTC without a zone; each case has a name of its own.
 *
 * A failure outside of any check is a case of its own, in its scenario's suite or in the run's
 * suite `pvh`, so that a failed run always has a failed case.
 *
 * @param folder the run directory as CI sees it, for attachments
 */
export function junitReport(state: RunState, folder: string): string {
  const suites = [...state.scenarios.values()].map((scenario, id) =>
    suiteXml(state, scenario, id, folder),
  );
  if (state.failures.length > 0) suites.push(runSuiteXml(state, suites.length));
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
  folder: string,
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
    ...checks.map((check) => caseXml(state, scenario, attempt, check, folder)),
    ...outside.map((one, index) =>
      outsideXml(`pvh.scenarios.${scenario.name}`, outsideBlock(scenario.name, one), one, index),
    ),
    `    <system-out>${xmlText(tail(attempt.notes.join("\n")))}</system-out>`,
    "    <system-err/>",
    "  </testsuite>",
  ].join("\n");
  return { xml, counts };
}

/** The suite of what failed of the run itself. */
function runSuiteXml(state: RunState, id: number): { xml: string; counts: SuiteCounts } {
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
    ...failures.map((one, index) =>
      outsideXml("pvh.run", outsideBlock("the run", one), one, index),
    ),
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

/** @param index makes its name one of its own */
function outsideXml(
  classname: string,
  block: FailureBlock,
  outside: OutsideFailure,
  index: number,
): string {
  const { where } = outside;
  const name = index === 0 ? where : `${where} (${index + 1})`;
  return [
    `    <testcase${xmlAttributes({ classname, name, time: seconds(0) })}>`,
    `      ${failureXml(block, elementOfOutside(outside))}`,
    "    </testcase>",
  ].join("\n");
}

function caseXml(
  state: RunState,
  scenario: ScenarioState,
  attempt: AttemptState,
  check: CheckState,
  folder: string,
): string {
  const attributes = xmlAttributes({
    classname: `pvh.scenarios.${scenario.name}`,
    name: `${check.title} (${check.id})`,
    time: seconds(check.ms),
  });
  const body = [
    ...verdictXml(scenario, check),
    ...earlierXml(scenario, check),
    ...(check.failure === undefined ? [] : [outputXml(state, scenario, attempt, folder)]),
  ];
  if (body.length === 0) return `    <testcase${attributes}/>`;
  return [
    `    <testcase${attributes}>`,
    ...body.map((line) => `      ${line}`),
    "    </testcase>",
  ].join("\n");
}

function verdictXml(scenario: ScenarioState, check: CheckState): string[] {
  if (check.verdict === "failed") {
    const told = { ...check, failure: failureOfCheck(check) };
    return checkBlock(scenario.name, told).map((block) => failureXml(block));
  }
  if (!isSkipped(check)) return [];
  return [
    `<skipped${xmlAttributes({ message: check.reason ?? `${scenario.name} did not end` })}/>`,
  ];
}

function failureXml(block: FailureBlock, element = elementOf(block.failure)): string {
  const { code: type, message } = block.failure;
  // GitLab used to ignore the attribute: the text says it again.
  return `<${element}${xmlAttributes({ type, message })}>${xmlText(detailsOf(block))}</${element}>`;
}

/** A check that failed without a reason is one that the record has lost. */
function failureOfCheck({ id, failure }: CheckState): Failure {
  const message = `${id}: it failed without a reason`;
  return failure ?? { class: "harness", code: "PVH_VERDICT", message };
}

/** Attempts before the last one: a pass after them is flaky, a failure was tried again. */
function earlierXml(scenario: ScenarioState, check: CheckState): string[] {
  return scenario.attempts.slice(0, -1).flatMap((attempt, index) => {
    const earlier = attempt.checks.get(check.id);
    const [block] = earlier === undefined ? [] : checkBlock(scenario.name, earlier);
    if (block === undefined) return [];
    const { failure } = block;
    const kind = elementOf(failure) === "failure" ? "Failure" : "Error";
    const element = `${check.verdict === "passed" ? "flaky" : "rerun"}${kind}`;
    const message = `attempt ${index + 1}: ${failure.message}`;
    const stack = `<stackTrace>${xmlText(detailsOf(block))}</stackTrace>`;
    return [`<${element}${xmlAttributes({ type: failure.code, message })}>${stack}</${element}>`];
  });
}

function outputXml(
  state: RunState,
  scenario: ScenarioState,
  attempt: AttemptState,
  folder: string,
): string {
  const [block] = blocksOf(state, scenario, folder);
  const lines = [
    ...(block === undefined ? [] : whereLines(block, WHOLE)),
    ...attempt.evidence.map(({ path }) => `[[ATTACHMENT|${folder}/${path}]]`),
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
  return all.reduce((total, counts) => total + counts[key], 0);
}
