import type { RecordedEvent, RunEvent } from "../../../reports/events.ts";

const BEGUN = Date.UTC(2026, 10, 23);

/** The record of a run of so many scenarios and checks, a twentieth of which failed, with timelines. */
export function largeRun(scenarios: number, checks: number, lines: number): RecordedEvent[] {
  const names = Array.from({ length: scenarios }, (_, index) => `scenario-${index}`);
  const events: RecordedEvent[] = [];
  let now = BEGUN;
  const add = (event: RunEvent, after = 0): void => {
    now += after;
    events.push({ v: 2, t: now, ...event });
  };
  add({
    type: "run.started",
    run: "20261123T000000Z-large0",
    command: ["run"],
    image: "pvh-appengine:0123456789ab",
    profile: "strict",
    quirks: [],
    selected: names,
    seed: 7,
    host: { name: "runner", kernel: "6.12", node: "v24", cores: 8, load: 1 },
  });
  add({ type: "run.prepared", ms: 900, image: "pvh-appengine:0123456789ab" }, 900);
  names.forEach((scenario, number) => {
    const ids = Array.from({ length: checks }, (_, index) => `unix.${number}.${index}`);
    const of = { scenario, appengine: `pvh-${number}` };
    add({
      type: "scenario.started",
      scenario,
      suite: "unix",
      summary: `scenario number ${number} of a large run`,
      checks: ids.map((id) => ({ id, title: `the promise of ${id} is kept` })),
      file: `scenarios/unix/${scenario}.scenario.ts`,
      attempt: 1,
    });
    for (const stage of ["container", "storage", "pantavisor", "ready", "links"] as const) {
      add({ type: "stage.finished", ...of, stage, ms: 300, ok: true }, 300);
    }
    for (const name of ["provider", "consumer"]) {
      for (const status of ["INSTALLED", "STARTING", "STARTED"]) {
        add({ type: "container.changed", ...of, what: "container", name, status });
      }
    }
    const link = { consumer: "consumer", provider: "provider", service: "probe", kind: "unix" };
    add({ type: "graph", ...of, links: [link] });
    const { consumer, service } = link;
    add({ type: "link.changed", ...of, consumer, service, state: "established" });
    for (let line = 0; line < lines; line += 1) {
      const text = `[pantavisor] ${line} INFO\t -- [pv-xconnect-out]: Accepted connection ${line}`;
      add({ type: "log", ...of, source: "0/pantavisor/pantavisor.log", lines: [text] });
    }
    ids.forEach((check, index) => {
      const title = `the promise of ${check} is kept`;
      const isBad = (number + index) % 20 === 0;
      const failure = {
        class: "product",
        code: "PVH_ASSERT",
        message: `uid of the connection: 0 (root), promised 65534 (nobody)\n${"- a\n+ b\n".repeat(40)}`,
        stack: `    at body (scenarios/unix/${scenario}.scenario.ts:${index + 10}:5)`,
      } as const;
      add({ type: "control", ...of, method: "GET", path: "/containers", ms: 4, status: 200 }, 4);
      add(
        {
          type: "check.finished",
          scenario,
          check,
          title,
          verdict: isBad ? "failed" : "passed",
          ms: 40,
          ...(isBad && { failure }),
        },
        40,
      );
    });
    for (const [path, what] of [
      ["boot.log", "output of pv-appengine"],
      ["logs", "log tree of the appengine's storage, 12 files"],
    ] as const) {
      add({ type: "evidence", scenario, path: `${scenario}/${path}`, what });
    }
    add({ type: "scenario.finished", scenario, verdict: "failed", ms: checks * 44 + 1_500 }, 100);
  });
  add({ type: "run.finished", ms: now - BEGUN, exitCode: 1 });
  return events;
}
