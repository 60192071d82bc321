import { expect, test } from "vitest";
import { foldRecord, readRecord } from "../../reports/read-record.ts";
import { record, SAMPLE } from "../../reports/testdata/sample-run.ts";
import { REPORT_FORMATS, renderReport } from "./render-report.ts";

const EVIL = [
  "\u001b[31mred\u001b]0;t\u0007 \u009b2J",
  "\n::error::gotcha",
  "\n\u0000::set-env name=A::b",
  "##\u200e[error]x ##vso[task.x]",
  "\nok 1 - fine\nBail out!\nnot ok 7",
  "]]></system-out><script>alert(1)</script>",
  "| a | b |\n|---|---|\n<img src=x onerror=alert(1)> [x](javascript:y) ![p](http://e/p.png) @somebody",
  "```\n</code></pre>\n# head\n",
  "`a` ``b`` ```",
  "\ud800 \udfff \ufffe \u202e\u2066 rtl",
  "%0A%25 \r\n[[ATTACHMENT|/etc/passwd]]",
  "</script><script>alert(2)</script><!--",
  "\u2028::error::line separator",
];
const ACTIVE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
/** Fields that a record may have of a few values only. */
const FIXED = new Set(["type", "verdict", "class", "code", "stage"]);

/** The same value, with this text behind each text; names stay equal to each other. */
function withText(value: unknown, evil: string, key = ""): unknown {
  if (typeof value === "string") return FIXED.has(key) ? value : value + evil;
  if (Array.isArray(value)) return value.map((one) => withText(one, evil));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, withText(one, evil, name)]),
  );
}

function reportsWith(evil: string) {
  const text = record(SAMPLE).map((event) => `${JSON.stringify(withText(event, evil))}\n`);
  const read = readRecord(text.join(""));
  expect(read.events).toHaveLength(SAMPLE.length);
  const directory = { run: "x", folder: "/nowhere", shown: ".pvh/runs/x" };
  const run = { state: foldRecord(read), events: read.events, directory };
  return new Map(REPORT_FORMATS.map((format) => [format, renderReport(format, run)]));
}

test.each(EVIL)("a record from elsewhere acts in no report: %j", (evil) => {
  const reports = reportsWith(evil);
  for (const [format, text] of reports) {
    expect(ACTIVE.exec(text)?.[0], format).toBeUndefined();
    // JSON escapes what does not act on it: a reader prints it as it was.
    if (format !== "ctrf" && format !== "perfetto") continue;
    const parsed: unknown = JSON.parse(text, (_key, value: unknown) => {
      if (typeof value === "string") expect(ACTIVE.exec(value)?.[0], format).toBeUndefined();
      return value;
    });
    expect(parsed).toBeTypeOf("object");
  }
  expect(reports.get("text")).not.toMatch(/^\s*::|##\w*\[/m);
  for (const line of (reports.get("github") ?? "").trimEnd().split("\n")) {
    expect(line).toMatch(/^::(error|warning|notice)( [^:]*)?::/);
  }
  for (const line of (reports.get("tap") ?? "").split("\n")) {
    expect(line).toMatch(/^(ok|not ok) \d+ - |^ {2}|^TAP version 14$|^1\.\.\d+$|^$/);
  }
  const outputs = [...(reports.get("junit") ?? "").matchAll(/<system-out>(.*?)<\/system-out>/gs)];
  expect(outputs.map(([, said = ""]) => said).join("\n")).not.toMatch(/\[\[ATTACHMENT\|\/etc/);
  expect([...(reports.get("html") ?? "").matchAll(/<\/script/g)]).toHaveLength(2);
});

test("a name of a hundred thousand characters is no record of pvh's", () => {
  const text = record(SAMPLE).map(
    (event) => `${JSON.stringify(withText(event, "x".repeat(1e5)))}\n`,
  );
  expect(readRecord(text.join("")).stopped).toMatch(/line 1: it is no run\.started: run Too big/);
});
