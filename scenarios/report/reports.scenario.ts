import { lstat, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { python } from "../../harness/appengine/python.ts";
import { consoleLog, LOG_ROOT } from "../../harness/appengine/layout.ts";
import { expect } from "../../harness/facts/expect.ts";
import { REPORT_FORMATS } from "../../harness/run/render-report.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { HOSTILE_NAMES, HOSTILE_TEXTS } from "../support/hostile-texts.ts";
import { probeProvider } from "../support/probes.ts";
import { report, tell, toldFailure, toldScenario } from "../support/told-run.ts";

/** Characters that act where they are shown: controls but TAB and LF, bidirectional controls. */
const ACTIVE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
/** Lines and words that a CI takes for commands. */
const COMMAND = /^\s*::|##\w*\[/m;

type Outcome = Readonly<Record<string, unknown>>;

scenario(
  "reports",
  {
    summary: "reports keep verdicts apart, and nothing of a container acts in them",
    // It judges pvh: an image that writes its logs late has no part in that.
    requires: ["reference"],
    containers: [probeProvider],
    boot: "none",
  },
  ({ check }) => {
    check(
      "report.hostile-output",
      "bytes and names of a container act in no report and no evidence",
      async ({ bootAppengine, quirks, signal }) => {
        const folder = await mkdtemp(join(tmpdir(), "pvh-hostile-"));
        try {
          const booted = await bootAppengine();
          const { appengine } = booted;
          // As a container writes it: over its console, with a line of 10 MB.
          await booted.inside(probeProvider.name).python(python`
            texts = ${HOSTILE_TEXTS.map((text) => text.toWellFormed())}
            with open("/proc/1/fd/1", "wb", buffering=0) as console:
                console.write(b"y" * 10_000_000 + b"\n\xff\xfe\xed\xa0\x80\n")
                for text in texts:
                    console.write(text.encode() + b"\n")
                console.write(b"end-of-texts\n")
          `);
          await until(
            "the console's log to have all of it",
            async () => {
              const end = await appengine.text(`tail -c 20 ${consoleLog(probeProvider.name)}`);
              return end.includes("end-of-texts");
            },
            { signal, timeout: 10_000 },
          );
          const hostile = `${LOG_ROOT}/0/hostile`;
          await appengine.text(
            [
              `mkdir -p ${hostile}/deep && cd ${hostile}`,
              ...HOSTILE_NAMES.map((name) => `echo x >"./$(printf '${name.replace("%", "%%")}')"`),
              "ln -s /etc/shadow link; ln -s ../../../.. up; mkfifo fifo; ln /bin/sh hard || :",
            ].join("\n"),
          );
          const evidence = await booted.collectEvidence(join(folder, "hostile"), signal);
          await expectHarmlessFiles(folder);

          const said = await readFile(
            join(folder, "hostile/logs/0", probeProvider.name, "lxc/console.log"),
            "utf8",
          );
          const texts = [...HOSTILE_TEXTS, said.slice(-2_000)];
          const outcomes = texts.map((text, index): [string, Outcome] => {
            const id = `unix.${index}`;
            return [id, index % 5 === 4 ? { verdict: "skipped", reason: text } : failed(text)];
          });
          tell(folder, quirks, [
            ...toldScenario("hostile", Object.fromEntries(outcomes), { title: texts.join(" ") }),
            ...evidence.map(({ path, what }) => ({
              type: "evidence",
              scenario: "hostile",
              path: `hostile/${path}`,
              what,
            })),
            { type: "evidence", scenario: "hostile", path: "../../../etc/shadow", what: "x" },
            ...texts.map((text) => ({ type: "note", scenario: "hostile", text })),
            {
              type: "failure",
              where: texts.join(" "),
              failure: failed(texts.join("\n"))["failure"],
            },
            { type: "run.finished", ms: 9, exitCode: 1 },
          ]);
          const all = await Promise.all(
            REPORT_FORMATS.map(
              async (format) => [format, await report(folder, "--format", format)] as const,
            ),
          );
          for (const [format, { exitCode, stdout, stderr }] of all) {
            expect(
              [format, exitCode, stderr],
              "format, exit code and stderr of pvh report",
            ).toEqual([format, 0, ""]);
            expect(
              [format, ACTIVE.exec(stdout)?.[0]],
              "format, and a character of it that acts",
            ).toEqual([format, undefined]);
            expect(
              [format, stdout.isWellFormed()],
              "format, and whether it is well-formed Unicode",
            ).toEqual([format, true]);
            if (format !== "github") {
              expect(
                [format, COMMAND.exec(stdout)?.[0]],
                "format, and a command to a CI in it",
              ).toEqual([format, undefined]);
            }
          }
          const of = new Map<string, string>(all.map(([format, { stdout }]) => [format, stdout]));
          const commands = (of.get("github") ?? "").trimEnd().split("\n");
          expect(commands.length, "number of annotations").toBeLessThanOrEqual(10);
          for (const line of commands)
            expect(line, "line of the annotations").toMatch(/^::(error|warning|notice)( [^:]*)?::/);
          expectXml(of.get("junit") ?? "");
          const outputs = [...(of.get("junit") ?? "").matchAll(/<system-out>[^<]*/g)].join("\n");
          const attached = outputs.matchAll(/\[\[ATTACHMENT\|(.*?)\]\]/g);
          const paths = [...attached].map(([, path = ""]) => path);
          expect(paths.length, "number of attachments").toBeGreaterThan(0);
          for (const path of new Set(paths)) {
            expect(
              [path, path.startsWith(`${folder}/`), (await lstat(path)).isFile()],
              "attachment, whether it is of the run, and a file",
            ).toEqual([path, true, true]);
          }
          expect(JSON.parse(of.get("ctrf") ?? ""), "the CTRF report").toMatchObject({
            reportFormat: "CTRF",
          });
          const tap = (of.get("tap") ?? "").split("\n");
          const points = tap.filter((line) => /^(not )?ok /.test(line));
          expect(
            [tap[1], tap.some((line) => line.startsWith("Bail"))],
            "plan of TAP, and whether it bails out",
          ).toEqual([`1..${points.length}`, false]);
        } finally {
          await rm(folder, { recursive: true });
        }
      },
    );

    check(
      "report.junit",
      "junit.xml keeps skip reasons and flaky results, with a name for each case",
      async ({ quirks }) => {
        const folder = await mkdtemp(join(tmpdir(), "pvh-junit-"));
        try {
          const never = toldFailure("product", "PVH_NEVER_READY", "never got there");
          tell(folder, quirks, [
            ...toldScenario("flaky", { "unix.a": failed("too late") }),
            ...toldScenario("flaky", { "unix.a": { verdict: "passed" } }, { attempt: 2 }),
            ...toldScenario("mixed", {
              "unix.b": { verdict: "skipped", reason: "needs drm: no card" },
              "unix.c": failed("it is 0, promised 65534"),
              "unix.d": { verdict: "passed" },
              "unix.e": toldFailure("infra", "PVH_ENGINE", "the engine went away"),
            }),
            ...toldScenario("dark", { "unix.f": never }),
            { type: "run.finished", ms: 9, exitCode: 1 },
          ]);
          const { stdout: xml } = await report(folder, "--format", "junit");
          const names = expectXml(xml);
          expect(new Set(names).size, "number of different names of cases").toBe(names.length);
          expect(names, "names of the cases").toHaveLength(6);
          expect(xml, "junit.xml").toContain('<skipped message="needs drm: no card"/>');
          expect(xml, "junit.xml").toContain(
            '<flakyFailure type="PVH_ASSERT" message="attempt 1: too late">',
          );
          expect(xml, "junit.xml").toContain(
            '<error type="PVH_ENGINE" message="the engine went away">',
          );
          expect(xml, "junit.xml").toContain(
            '<failure type="PVH_NEVER_READY" message="never got there">',
          );
          expect(xml, "junit.xml").toContain(
            '<testsuites name="pvh" tests="6" failures="2" errors="1"',
          );
        } finally {
          await rm(folder, { recursive: true });
        }
      },
    );

    check(
      "report.exit",
      "the exit code says whose fault it was, and the reports say it in words",
      async ({ quirks }) => {
        const folder = await mkdtemp(join(tmpdir(), "pvh-exit-"));
        const passed = { verdict: "passed" };
        const cases = [
          [0, toldScenario("s", { a: passed })],
          [1, toldScenario("s", { a: failed("broken") })],
          [2, toldScenario("s", { a: toldFailure("usage", "PVH_BAD_SCENARIO", "no row") })],
          [3, toldScenario("s", { a: toldFailure("infra", "PVH_ENGINE", "gone") })],
          [4, toldScenario("s", { a: { verdict: "skipped", reason: "needs drm" } })],
          [
            5,
            [
              ...toldScenario("s", { a: failed("late") }),
              ...toldScenario("s", { a: passed }, { attempt: 2 }),
            ],
          ],
          [6, toldScenario("s", { a: toldFailure("product", "PVH_NEVER_READY", "dark") })],
          [70, toldScenario("s", { a: toldFailure("harness", "PVH_INTERNAL", "a bug") })],
          [124, toldScenario("s", { a: toldFailure("scenario", "PVH_DEADLINE", "late") })],
        ] as const;
        try {
          const codes = await Promise.all(
            cases.map(async ([code, events]) => {
              const own = join(folder, String(code));
              tell(own, quirks, [...events, { type: "run.finished", ms: 1, exitCode: code }]);
              const { exitCode, stdout } = await report(own, "--exit-code");
              const reason = /^exit +(\d+): (.+)$/m.exec(stdout);
              return [exitCode, code === 0 ? reason === null : Number(reason?.[1]) === code];
            }),
          );
          expect(
            codes,
            "exit code, and whether the reason tells it, of a run of each kind",
          ).toEqual(cases.map(([code]) => [code, true]));
        } finally {
          await rm(folder, { recursive: true });
        }
      },
    );
  },
);

function failed(message: string): Outcome {
  return toldFailure("product", "PVH_ASSERT", message);
}

/** Regular files and folders alone, whose names neither a shell nor a terminal takes for more. */
async function expectHarmlessFiles(folder: string): Promise<void> {
  const names = await readdir(folder, { recursive: true });
  expect(names.length, "number of files of evidence").toBeGreaterThan(HOSTILE_NAMES.length);
  for (const name of names) {
    const facts = await lstat(join(folder, name));
    expect(
      [name, facts.isFile() || facts.isDirectory()],
      "name of evidence, and whether it is a file or a folder",
    ).toEqual([name, true]);
    expect(name, "name of evidence").toMatch(/^(?:[\w@+=~][\w.@+=~-]*\/?)+$/);
  }
}

/** @returns class and name of each case of a report that is well-formed XML */
function expectXml(xml: string): string[] {
  const open: string[] = [];
  const names: string[] = [];
  const tags = /<(\/?)([a-zA-Z-]+)((?: [\w-]+="[^"<]*")*)(\/?)>/g;
  for (const [, end, name = "", attributes = "", alone] of xml.matchAll(tags)) {
    if (name === "testcase" && end === "") names.push(attributes.replace(/ time="[^"]*"/, ""));
    if (end === "/") expect(open.pop(), "element of junit.xml that ends").toBe(name);
    else if (alone === "") open.push(name);
  }
  expect(open, "elements of junit.xml that do not end").toEqual([]);
  const rest = xml.replace(/^<\?xml[^>]*\?>/, "").replaceAll(tags, "");
  expect(rest, "text of junit.xml").not.toMatch(/[<>"]|&(?!(?:amp|lt|gt|quot|#\d+);)/);
  return names;
}
