import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { none, parseQuirks } from "../../shared/quirks/quirks.ts";
import { PROPERTY_RUNS } from "../../shared/formats/property-runs.fixture.ts";
import { isUp } from "./container-state.ts";
import {
  Simulation,
  containerPlan,
  onFailure,
  revisionPlan,
} from "./revision-simulation.fixture.ts";

const SECOND = 1000;

describe("start", () => {
  it("runs groups in order and reports READY last", () => {
    const run = new Simulation(
      revisionPlan(containerPlan("a"), containerPlan("r", { group: "root" })),
    );
    run.advance(0);
    expect(run.log).toEqual([
      "platform 'a' status is now BLOCKED",
      "group 'root' status is now INSTALLED",
      "group 'app' status is now BLOCKED",
      "state revision '0' status is now INSTALLED",
      "platform 'r' status is now MOUNTED",
      "group 'root' status is now MOUNTED",
      "state revision '0' status is now BLOCKED",
      "platform 'r' status is now STARTING",
      "group 'root' status is now STARTING",
      "platform 'r' status is now STARTED",
      "group 'root' status is now READY",
      "platform 'a' status is now MOUNTED",
      "group 'app' status is now MOUNTED",
      "state revision '0' status is now MOUNTED",
      "platform 'a' status is now STARTING",
      "group 'app' status is now STARTING",
      "state revision '0' status is now STARTING",
      "platform 'a' status is now STARTED",
      "group 'app' status is now READY",
      "state revision '0' status is now READY",
    ]);
  });

  it("lets the next group go on when one has had its time", () => {
    const slow = containerPlan("r", { group: "root", statusGoal: "READY" });
    const run = new Simulation(revisionPlan(slow, containerPlan("a")));
    run.advance(29 * SECOND);
    expect(run.starts["a"]).toBeUndefined();
    run.advance(SECOND);
    expect(run.starts["a"]).toEqual([30 * SECOND]);
    expect(run.state.status).toBe("STARTED");
  });

  it("starts all groups at once under groups-parallel", () => {
    const slow = containerPlan("r", { group: "root", statusGoal: "READY" });
    const plan = revisionPlan(slow, containerPlan("a"));
    const run = new Simulation(plan, {}, parseQuirks("groups-parallel"));
    expect(run.starts["a"]).toEqual([0]);
  });

  it("does not start a container whose goal is MOUNTED", () => {
    const run = new Simulation(
      revisionPlan(containerPlan("d", { group: "data", statusGoal: "MOUNTED" })),
    );
    run.advance(SECOND);
    expect(run.of("d").status).toBe("MOUNTED");
    expect(run.state.status).toBe("READY");
  });

  it("is READY only by signal for a container with that goal", () => {
    const run = new Simulation(revisionPlan(containerPlan("a", { statusGoal: "READY" })));
    run.advance(0);
    expect(run.state.status).toBe("STARTED");
    run.dispatch({ type: "container", name: "a", event: { type: "ready-signal" } });
    expect(run.state.status).toBe("READY");
  });

  it("keeps a ready signal that comes before its container was seen to run", () => {
    const run = new Simulation(revisionPlan(containerPlan("a", { statusGoal: "READY" })));
    run.dispatch({ type: "container", name: "a", event: { type: "ready-signal" } });
    run.advance(0);
    expect(run.of("a")).toMatchObject({ status: "READY", goalReached: true });
    run.request("a", "restart");
    run.advance(6 * SECOND);
    expect(run.of("a").status).toBe("STARTED");
  });

  it("never reports READY under never-ready", () => {
    const run = new Simulation(revisionPlan(containerPlan("a")), {}, parseQuirks("never-ready"));
    run.advance(SECOND);
    expect(run.of("a").status).toBe("STARTED");
    expect(run.log).toContain("group 'app' status is now READY");
    expect(run.log).not.toContain("state revision '0' status is now READY");
  });
});

describe("auto-recovery", () => {
  it("follows the published timeline of pv-example-recovery", () => {
    const plan = revisionPlan(containerPlan("rec", { recovery: onFailure }));
    const run = new Simulation(plan, { rec: { runs: 10 * SECOND } });
    run.advance(816 * SECOND);
    const seconds = run.starts["rec"]?.map((start) => start / SECOND);
    expect(seconds).toEqual([0, 15, 35, 65, 115, 205, 815]);
    expect(run.log).toContain(
      "platform 'rec' crashed. Attempting auto-recovery (attempt 1/5) in 5 seconds...",
    );
    expect(run.log).toContain("platform 'rec' reached max retries (5).");
    expect(run.log).toContain("backoff_policy=600s — scheduling retry cycle reset");
    expect(run.of("rec").retries).toBe(0);
  });

  it("takes READY away while a container recovers, and gives it back", () => {
    const plan = revisionPlan(containerPlan("rec", { recovery: onFailure }));
    const run = new Simulation(plan, { rec: { runs: 10 * SECOND } });
    run.advance(9 * SECOND);
    expect(run.state.status).toBe("READY");
    run.advance(2 * SECOND);
    expect(run.state.status).toBe("RECOVERING");
    run.advance(5 * SECOND);
    expect(run.state.status).toBe("READY");
  });

  it("keeps READY under ready-sticky", () => {
    const plan = revisionPlan(containerPlan("rec", { recovery: onFailure }));
    const run = new Simulation(plan, { rec: { runs: 10 * SECOND } }, parseQuirks("ready-sticky"));
    run.advance(11 * SECOND);
    expect(run.of("rec").status).toBe("RECOVERING");
    expect(run.state.status).toBe("READY");
  });

  it("leaves the others running when it gives up", () => {
    const recovery = { ...onFailure, max_retries: 1, backoff_policy: "never" };
    const plan = revisionPlan(containerPlan("rec", { recovery }), containerPlan("other"));
    const run = new Simulation(plan, { rec: { runs: SECOND } });
    run.advance(60 * SECOND);
    expect(run.of("rec").status).toBe("STOPPED");
    expect(run.of("other").status).toBe("STARTED");
    expect(run.log).toContain("backoff_policy=never — leaving 'rec' stopped");
  });

  it("sets is_stable after the stable timeout, not before", () => {
    const plan = revisionPlan(containerPlan("rec", { recovery: onFailure }));
    const run = new Simulation(plan);
    run.advance(29 * SECOND);
    expect(run.of("rec").stable).toBe(false);
    run.advance(SECOND);
    expect(run.of("rec").stable).toBe(true);
    expect(run.log).toContain("platform 'rec' is now STABLE");
  });

  it("never sets is_stable under never-stable", () => {
    const plan = revisionPlan(containerPlan("rec", { recovery: onFailure }));
    const run = new Simulation(plan, {}, parseQuirks("never-stable"));
    run.advance(60 * SECOND);
    expect(run.of("rec").stable).toBe(false);
  });

  it("misses an early end under recovery-misses-fast-exit", () => {
    const plan = revisionPlan(containerPlan("rec", { recovery: onFailure }));
    const quirks = parseQuirks("recovery-misses-fast-exit");
    const run = new Simulation(plan, { rec: { runs: 10 * SECOND } }, quirks);
    run.advance(60 * SECOND);
    expect(run.of("rec").status).toBe("STARTED");
    expect(run.starts["rec"]).toHaveLength(1);
  });
});

describe("a user's stop", () => {
  const plan = revisionPlan(containerPlan("c", { recovery: onFailure }));

  it("stops, says so and is final", () => {
    const run = new Simulation(plan, { c: { halts: 200 } });
    run.advance(SECOND);
    run.request("c", "stop");
    expect(run.of("c")).toMatchObject({ status: "STOPPING", userStopped: true });
    run.advance(1000 * SECOND);
    expect(run.of("c")).toMatchObject({ status: "STOPPED", userStopped: true });
    expect(run.starts["c"]).toHaveLength(1);
    expect(run.state.status).toBe("READY");
  });

  it("ends by force after 5 s when the container ignores it", () => {
    const run = new Simulation(plan);
    run.advance(SECOND);
    run.request("c", "stop");
    run.advance(4999);
    expect(run.of("c").status).toBe("STOPPING");
    run.advance(2);
    expect(run.of("c").status).toBe("STOPPED");
    expect(run.log).toContain("platform 'c' did not exit after lenient stop, force stopping");
    expect(run.log).toContain("force stopping platform 'c'");
    expect(run.log).not.toContain("platform 'c' exited during lenient stop");
  });

  it("ends a recovery", () => {
    const run = new Simulation(plan, { c: { runs: SECOND } });
    run.advance(2 * SECOND);
    expect(run.of("c").status).toBe("RECOVERING");
    run.request("c", "stop");
    run.advance(1000 * SECOND);
    expect(run.of("c").status).toBe("STOPPED");
    expect(run.starts["c"]).toHaveLength(1);
  });

  it("does not under stop-during-recovery-ignored", () => {
    const quirks = parseQuirks("stop-during-recovery-ignored");
    const run = new Simulation(plan, { c: { runs: SECOND } }, quirks);
    run.advance(2 * SECOND);
    run.request("c", "stop");
    run.advance(10 * SECOND);
    expect(run.starts["c"]?.length).toBeGreaterThan(1);
  });

  it("is undone under stop-recovers", () => {
    const run = new Simulation(plan, { c: { halts: 100 } }, parseQuirks("stop-recovers"));
    run.advance(SECOND);
    run.request("c", "stop");
    run.advance(SECOND);
    expect(run.of("c").status).toBe("STARTED");
  });

  it("while it is being launched stops it as soon as it runs", () => {
    const run = new Simulation(plan, { c: { halts: 100 } });
    run.request("c", "stop");
    run.advance(SECOND);
    expect(run.of("c").status).toBe("STOPPED");
  });
});

describe("start and restart", () => {
  const plan = revisionPlan(containerPlan("c", { recovery: onFailure }));

  it("start runs a stopped container again and forgets the stop", () => {
    const run = new Simulation(plan, { c: { halts: 100 } });
    run.advance(SECOND);
    run.request("c", "stop");
    run.advance(SECOND);
    run.request("c", "start");
    run.advance(SECOND);
    expect(run.of("c")).toMatchObject({ status: "STARTED", userStopped: false });
  });

  it("start leaves the flag under start-keeps-flag, and starts all the same", () => {
    const run = new Simulation(plan, { c: { halts: 100 } }, parseQuirks("start-keeps-flag"));
    run.advance(SECOND);
    run.request("c", "stop");
    run.advance(SECOND);
    run.request("c", "start");
    run.advance(SECOND);
    expect(run.of("c")).toMatchObject({ status: "STARTED", userStopped: true });
  });

  it("restart stops and starts, with a new history", () => {
    const run = new Simulation(plan, { c: { halts: 100 } });
    run.advance(SECOND);
    run.request("c", "restart");
    run.advance(SECOND);
    expect(run.starts["c"]).toHaveLength(2);
    expect(run.of("c")).toMatchObject({ status: "STARTED", userStopped: false, retries: 0 });
  });

  it("restart does nothing under restart-no-op", () => {
    const run = new Simulation(plan, { c: { halts: 100 } }, parseQuirks("restart-no-op"));
    run.advance(SECOND);
    run.request("c", "restart");
    run.advance(SECOND);
    expect(run.starts["c"]).toHaveLength(1);
  });

  it("start ends a recovery early and begins a new cycle", () => {
    const run = new Simulation(plan, { c: { runs: SECOND } });
    run.advance(2 * SECOND);
    run.request("c", "start");
    run.advance(10);
    expect(run.of("c")).toMatchObject({ status: "STARTED", retries: 0 });
  });
});

describe("shutdown", () => {
  it("stops everything at once and then exits", () => {
    const plan = revisionPlan(containerPlan("a"), containerPlan("b"));
    const run = new Simulation(plan, { a: { halts: 100 }, b: { halts: 100 } });
    run.advance(SECOND);
    run.dispatch({ type: "shutdown", outcome: "poweroff" });
    expect(run.effects).not.toContainEqual({ type: "exit", outcome: "poweroff" });
    run.advance(100);
    expect(run.effects).toContainEqual({ type: "exit", outcome: "poweroff" });
  });

  it("follows the crash of a system container, once", () => {
    const plan = revisionPlan(containerPlan("s", { restartPolicy: "system" }), containerPlan("b"));
    const run = new Simulation(plan, { s: { runs: SECOND }, b: { halts: 10 } });
    run.advance(10 * SECOND);
    const exits = run.effects.filter(({ type }) => type === "exit");
    expect(exits).toEqual([{ type: "exit", outcome: "reboot" }]);
  });

  it("accepts no more requests", () => {
    const run = new Simulation(revisionPlan(containerPlan("a")), { a: { halts: 100 } });
    run.advance(SECOND);
    run.dispatch({ type: "shutdown", outcome: "reboot" });
    run.request("a", "start");
    run.advance(SECOND);
    expect(run.starts["a"]).toHaveLength(1);
    expect(run.state.finished).toBe(true);
  });

  it("says nothing of READY", () => {
    const plan = revisionPlan(containerPlan("a", { statusGoal: "READY" }));
    const run = new Simulation(plan, { a: { halts: 100 } });
    run.advance(SECOND);
    run.dispatch({ type: "shutdown", outcome: "reboot" });
    run.advance(SECOND);
    expect(run.log.join("\n")).not.toContain("status is now READY");
  });
});

/**
 * Statuses that may follow each status: those of docs/pantavisor.md §4.1, and those that a user's
 * request or a shutdown may cause at any moment.
 */
const LEGAL: Readonly<Record<string, readonly string[]>> = {
  INSTALLED: ["BLOCKED", "MOUNTED", "STOPPING", "STOPPED"],
  BLOCKED: ["MOUNTED", "STOPPING", "STOPPED"],
  MOUNTED: ["STARTING", "STOPPING", "STOPPED", "RECOVERING"],
  STARTING: ["STARTED", "STOPPING", "STOPPED", "RECOVERING", "INSTALLED"],
  STARTED: ["READY", "STOPPING", "STOPPED", "RECOVERING", "INSTALLED"],
  READY: ["STOPPING", "STOPPED", "RECOVERING", "INSTALLED"],
  RECOVERING: ["INSTALLED", "STOPPED"],
  STOPPING: ["STOPPED", "INSTALLED"],
  STOPPED: ["INSTALLED"],
};

const STATUS_LINE = /^platform '(.+)' status is now (.+)$/;

describe("whatever happens", () => {
  const names = ["a", "b", "c"] as const;
  const request = fc.record({
    after: fc.nat(20_000),
    name: fc.constantFrom(...names),
    action: fc.constantFrom("start", "stop", "restart"),
  });
  const behaviour = fc.record({
    runs: fc.option(fc.integer({ min: 1, max: 20_000 }), { nil: undefined }),
    exitCode: fc.constantFrom(0, 1, null),
    halts: fc.option(fc.nat(8000), { nil: undefined }),
  });
  const scene = fc.record({
    requests: fc.array(request, { maxLength: 6 }),
    behaviours: fc.record({ a: behaviour, b: behaviour, c: behaviour }),
  });
  type Scene = typeof scene extends fc.Arbitrary<infer S> ? S : never;

  const play = ({ requests, behaviours }: Scene, each?: (run: Simulation) => void): Simulation => {
    const clean = Object.fromEntries(
      Object.entries(behaviours).map(([name, { runs, halts, exitCode }]) => [
        name,
        { exitCode, ...(runs && { runs }), ...(halts !== undefined && { halts }) },
      ]),
    );
    const plan = revisionPlan(...names.map((name) => containerPlan(name, { recovery: onFailure })));
    const run = new Simulation(plan, clean, none);
    for (const { after, name, action } of requests) {
      run.advance(after);
      run.request(name, action);
      each?.(run);
    }
    return run;
  };

  /** Status lines of the log that may not follow the one before (docs/pantavisor.md §4.1). */
  const illegal = ({ log }: Simulation): string[] => {
    const last: Record<string, string> = {};
    return log.flatMap((message) => {
      const [, name = "", status = ""] = STATUS_LINE.exec(message) ?? [];
      if (name === "") return [];
      const before = last[name] ?? "INSTALLED";
      last[name] = status;
      return LEGAL[before]?.includes(status) === true ? [] : [`${name}: ${before} → ${status}`];
    });
  };

  /** Check what must hold after each request; `expect` would be slower than the requests. */
  const check = (run: Simulation): void => {
    for (const name of names) {
      const { retries, status, userStopped, crashed } = run.of(name);
      if (retries > 5) expect.unreachable(`${name} is at retry ${retries} of 5`);
      const isFine = status === "STARTED" || userStopped || !crashed;
      if (run.state.status === "READY" && !isFine) expect.unreachable(`READY, and ${name} is not`);
    }
  };

  const later = fc.oneof(
    { weight: 9, arbitrary: fc.nat(10_000) },
    // The length of a cycle of retries and the pause behind it.
    { weight: 1, arbitrary: fc.constant(800_000) },
  );

  it("statuses follow each other as documented, and after the user's stop nothing starts", () => {
    fc.assert(
      fc.property(scene, later, (scene, wait) => {
        const run = play(scene, check);
        run.advance(wait);
        for (const name of names) run.request(name, "stop");
        const before = names.map((name) => run.starts[name]?.length);
        run.advance(2_000_000);
        expect(names.map((name) => run.starts[name]?.length)).toEqual(before);
        expect(names.map((name) => run.of(name).status)).toEqual(names.map(() => "STOPPED"));
        expect(illegal(run)).toEqual([]);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("a shutdown ends within the grace time, exactly once", () => {
    fc.assert(
      fc.property(scene, later, (scene, wait) => {
        const run = play(scene, check);
        run.advance(wait);
        run.dispatch({ type: "shutdown", outcome: "reboot" });
        run.advance(5100);
        expect(run.effects.filter(({ type }) => type === "exit")).toHaveLength(1);
        expect([...run.state.containers.values()].some(isUp)).toBe(false);
        expect(illegal(run)).toEqual([]);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});
