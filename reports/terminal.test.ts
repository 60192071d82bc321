import { describe, expect, test } from "vitest";
import type { RunEvent } from "./events.ts";
import { choosePaint, noPaint } from "./paint.ts";
import { foldRun } from "./run-state.ts";
import { closingLine, TerminalReport } from "./terminal.ts";
import { end, HOSTILE, record, SAMPLE, start } from "./testdata/sample-run.ts";

const FOLDER = ".pvh/runs/x";

function show(events: readonly RunEvent[], only: "all" | "failures" = "all", columns = 60) {
  const printed: string[] = [];
  const statuses: string[] = [];
  const report = new TerminalReport(
    { print: (line) => printed.push(line), status: (lines) => statuses.push(...lines), columns },
    noPaint,
    only,
  );
  for (const event of record(events)) report.event(event);
  return { report, printed, statuses, closing: report.closing(FOLDER) };
}

describe("the terminal report", () => {
  const { printed, closing, statuses } = show(SAMPLE);

  test("says which run this is, then one line for each scenario", () => {
    expect(printed[0]).toBe(
      "run 20261123T004000Z-a1b2c3: 4 scenarios on pantavisor-appengine:1.0, strict, quirks no-half-close",
    );
    expect(printed.filter((line) => /^(ok|FAILED|FLAKY|skip) /.test(line))).toEqual([
      "FAILED  dbus-roles           4 checks, 42.1 s, boot 1.0 s",
      "FAILED  flaky                1 check, 1.0 s",
      "FLAKY   flaky                1 check, 0.9 s, attempt 2",
      "FAILED  booted               1 check, 0.5 s",
    ]);
  });

  test("says that another broker mediates than the image's own", () => {
    const prepared = { type: "run.prepared", ms: 1, image: "pv:1", broker: "reference" } as const;
    expect(show([...SAMPLE, prepared]).printed).toContain(
      "broker  the strict reference's pv-xconnect mediates in place of the image's own",
    );
    expect(printed.join("\n")).not.toContain("broker  ");
  });

  test("gives the reason of a skip", () => {
    expect(printed).toContain("        skipped: needs drm: /dev/dri/card0 missing");
  });

  test("closes with what happened, the hint, the evidence and the command to repeat it", () => {
    const text = closing.join("\n");
    expect(text).toContain("dbus-roles > dbus.c: admin maps to uid 0");
    expect(text).toContain("fact      the engine went away  [infra PVH_ENGINE]");
    expect(text).toContain("hint      pvh doctor");
    expect(text).toContain("evidence  .pvh/runs/x/dbus-roles/: boot.log");
    expect(text).toContain("again     npx pvh scenario dbus-roles --image=");
    expect(text).toContain("scenarios  0 passed, 2 failed, 0 skipped, 1 flaky");
  });

  test("tells a failed boot once, not for each check", () => {
    const told = closing.filter((line) => line.includes("boot stopped at stage"));
    expect(told.length).toBe(1);
  });

  test("lets nothing of a container act in the terminal", () => {
    const all = [...printed, ...closing, ...statuses].join("\n");
    expect(HOSTILE).toMatch(/[\u001b\u009b]/);
    expect(all).toContain("evil red");
    expect(all).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  test("keeps the live line inside the terminal", () => {
    expect(statuses.every((line) => line.length < 60)).toBe(true);
    expect(statuses.some((line) => line.includes("dbus-roles  dbus.a"))).toBe(true);
  });
});

test("quiet shows failures only", () => {
  const { printed } = show(
    [
      ...SAMPLE,
      start("good", "unix", [["u", "t"]]),
      end("good", "u", "passed", {}),
      { type: "scenario.finished", scenario: "good", verdict: "passed", ms: 1 },
    ],
    "failures",
  );
  expect(printed.some((line) => line.includes("good"))).toBe(false);
  expect(printed.some((line) => line.startsWith("FAILED  dbus-roles"))).toBe(true);
});

test("after 30 s without a line the heartbeat names what runs", () => {
  const begun: RunEvent[] = [
    ...SAMPLE.slice(0, 1),
    start("slow", "unix", [["u", "t"]]),
    { type: "stage.finished", scenario: "slow", appengine: "a", stage: "storage", ms: 1, ok: true },
  ];
  const { report, printed } = show(begun);
  const last = record(begun).at(-1)?.t ?? 0;
  report.tick(last + 29_000);
  expect(printed.length).toBe(1);
  report.tick(last + 31_000);
  expect(printed.at(-1)).toBe("still running: slow: boot, after storage (31 s)");
  report.tick(last + 32_000);
  expect(printed.length).toBe(2);
});

test("a clock that is set back costs the heartbeat nothing, and no time is negative", () => {
  const begun = [...SAMPLE.slice(0, 1), start("slow", "unix", [["u", "t"]])];
  const { report, printed } = show(begun);
  const back = (record(begun).at(-1)?.t ?? 0) - 3_600_000;
  report.tick(back);
  report.tick(back + 31_000);
  expect(printed.at(-1)).toBe("still running: slow: boot begins (0 s)");
});

test.each([1, 12, 40])("the live line fits a terminal of %d columns", (columns) => {
  const { statuses } = show(SAMPLE, "all", columns);
  expect(Math.max(...statuses.map((line) => line.length))).toBeLessThanOrEqual(columns);
});

test("the closing line counts checks by their last attempt", () => {
  expect(closingLine(foldRun(record(SAMPLE)))).toBe("2 passed, 3 failed, 1 skipped");
  expect(closingLine(foldRun([]))).toBe("0 passed, 0 failed, 0 skipped");
});

test.each([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: "1" }, true, false],
  [{ NO_COLOR: "" }, true, true],
  [{ TERM: "dumb" }, true, false],
  [{ FORCE_COLOR: "1" }, false, true],
  [{ FORCE_COLOR: "0" }, false, false],
  [{ CLICOLOR_FORCE: "1", NO_COLOR: "1" }, false, true],
])("with %j and a terminal: %j there is colour: %j", (env, isTty, colour) => {
  expect(choosePaint(env, isTty).bad("x") !== "x").toBe(colour);
});
