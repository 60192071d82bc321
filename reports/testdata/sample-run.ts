import type { Failure, RecordedEvent, RunEvent } from "../events.ts";

export const HOSTILE =
  'evil \u001b[31mred\u001b[0m \u001b]0;title\u0007 \u009b2J <b>&"]]> \u0000\ufffe \ud800 \u202e end';

const failure = (code: Failure["code"], of: Failure["class"], message: string): Failure => ({
  class: of,
  code,
  message,
});

/** A run with one of everything: pass, failures of each kind, skip, flaky, retried, boot. */
export const SAMPLE: readonly RunEvent[] = [
  {
    type: "run.started",
    run: "20261123T004000Z-a1b2c3",
    command: ["run", "--image=pantavisor-appengine:1.0", "--boot=manual"],
    image: "pantavisor-appengine:1.0",
    profile: "strict",
    quirks: ["no-half-close"],
    selected: ["dbus-roles", "flaky", "booted", "later"],
    seed: 42,
    host: { name: "runner-1", kernel: "6.12", node: "v24.21.0" },
  },
  start("dbus-roles", "dbus", [
    ["dbus.a", "admin maps to uid 0"],
    ["dbus.b", "user cannot own bus name"],
    ["dbus.c", "admin maps to uid 0"],
    ["dbus.d", "card0 injected"],
  ]),
  stage("dbus-roles", "container", 200),
  stage("dbus-roles", "ready", 800),
  { type: "check.started", scenario: "dbus-roles", check: "dbus.a" },
  end("dbus-roles", "dbus.a", "passed", {}),
  end("dbus-roles", "dbus.b", "failed", { failure: failure("PVH_ASSERT", "product", HOSTILE) }),
  end("dbus-roles", "dbus.c", "failed", {
    failure: { ...failure("PVH_ENGINE", "infra", "the engine went away"), hint: "pvh doctor" },
  }),
  end("dbus-roles", "dbus.d", "skipped", { reason: "needs drm: /dev/dri/card0 missing" }),
  {
    type: "evidence",
    scenario: "dbus-roles",
    path: "dbus-roles/boot.log",
    what: "output of pv-appengine",
  },
  { type: "note", scenario: "dbus-roles", text: HOSTILE },
  { type: "scenario.finished", scenario: "dbus-roles", verdict: "failed", ms: 42_120 },
  start("flaky", "unix", [["unix.a", "reconnects"]]),
  end("flaky", "unix.a", "failed", { failure: failure("PVH_TIMEOUT", "product", "too late") }),
  { type: "scenario.finished", scenario: "flaky", verdict: "failed", ms: 1000 },
  { ...start("flaky", "unix", [["unix.a", "reconnects"]]), attempt: 2 },
  end("flaky", "unix.a", "passed", {}),
  { type: "scenario.finished", scenario: "flaky", verdict: "passed", ms: 900 },
  start("booted", "unix", [["unix.b", "never gets there"]]),
  end("booted", "unix.b", "failed", {
    failure: failure("PVH_NEVER_READY", "product", "boot stopped at stage 'ready': it crashed"),
  }),
  {
    type: "scenario.finished",
    scenario: "booted",
    verdict: "failed",
    ms: 500,
    failure: failure("PVH_NEVER_READY", "product", "boot stopped at stage 'ready': it crashed"),
  },
];

export function record(events: readonly RunEvent[]): RecordedEvent[] {
  const begun = Date.UTC(2026, 10, 23, 0, 40, 0);
  return events.map((event, index) => ({ v: 1, t: begun + index * 100, ...event }));
}

export function start(
  scenario: string,
  suite: string,
  checks: readonly (readonly [string, string])[],
): Extract<RunEvent, { type: "scenario.started" }> {
  return {
    type: "scenario.started",
    scenario,
    suite,
    summary: "a summary",
    checks: checks.map(([id, title]) => ({ id, title })),
    file: `scenarios/${suite}/${scenario}.scenario.ts`,
    attempt: 1,
  };
}

export function end(
  scenario: string,
  check: string,
  verdict: "passed" | "failed" | "skipped",
  outcome: { readonly failure?: Failure; readonly reason?: string; readonly ms?: number },
): RunEvent {
  return {
    type: "check.finished",
    scenario,
    check,
    title: "a title",
    verdict,
    ms: 1002.4,
    ...outcome,
  };
}

export function stage(scenario: string, name: "container" | "ready", ms: number): RunEvent {
  return { type: "stage.finished", scenario, appengine: "pvh-1", stage: name, ms, ok: true };
}
