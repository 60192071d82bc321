import fc from "fast-check";
import { expect, it } from "vitest";
import { PROPERTY_RUNS } from "../../shared/formats/property-runs.fixture.ts";
import { parseQuirks } from "../../shared/quirks/quirks.ts";
import type { DaemonEffect, DaemonEvent, DaemonTimer } from "./daemon.ts";
import { hasProcess, newDaemon, stepDaemon } from "./daemon.ts";
import { VirtualTime } from "./virtual-time.fixture.ts";

type Told = Exclude<DaemonEvent, { type: "timer" }>;

/** A daemon whose process ends only when a test says so. */
class Simulation {
  readonly time = new VirtualTime();
  readonly #quirks;
  #state = newDaemon;
  /** Signals and starts since the last look. */
  #acts: string[] = [];
  #hasProcess = false;

  constructor(quirks = "") {
    this.#quirks = parseQuirks(quirks);
    this.tell({ type: "begin" });
  }

  get state() {
    return this.#state;
  }

  get runs(): boolean {
    return this.#hasProcess;
  }

  tell(event: DaemonEvent): void {
    if (event.type === "ended") this.#hasProcess = false;
    const step = stepDaemon("d", this.#state, event, this.time.now, this.#quirks);
    this.#state = step.state;
    for (const effect of step.effects) this.#apply(effect);
  }

  /** Acts since the last call. */
  acts(): string[] {
    return this.#acts.splice(0);
  }

  #apply(effect: DaemonEffect): void {
    if (effect.type === "arm") {
      const { timer, milliseconds } = effect;
      this.time.schedule(milliseconds, timer, () => this.tell({ type: "timer", timer }));
    } else if (effect.type === "disarm") this.time.cancel(effect.timer);
    else if (effect.type !== "log") {
      if ((effect.type === "launch") === this.#hasProcess) throw new Error(`a bad ${effect.type}`);
      this.#hasProcess = true;
      this.#acts.push(effect.type);
    }
  }
}

const crash: DaemonEvent = { type: "ended", how: "SIGSEGV" };
const exit: DaemonEvent = { type: "ended", how: 0 };

it("a crash is repaired at once, a series of them ever slower", () => {
  const daemon = new Simulation();
  const delays = [0, 1000, 2000, 5000, 5000];
  for (const delay of delays) {
    daemon.acts();
    daemon.tell(crash);
    daemon.time.advance(delay - 1);
    expect(daemon.acts()).toEqual([]);
    daemon.time.advance(1);
    expect(daemon.acts()).toEqual(["launch"]);
  }
});

it("one that ignores the stop is killed after 3 s, and stays down", () => {
  const daemon = new Simulation();
  daemon.tell({ type: "stop" });
  daemon.tell({ type: "stop" });
  daemon.time.advance(2999);
  expect(daemon.acts()).toEqual(["launch", "halt"]);
  daemon.time.advance(1);
  expect(daemon.acts()).toEqual(["kill"]);
  daemon.tell(exit);
  daemon.time.advance(60_000);
  expect(daemon.acts()).toEqual([]);
  expect(daemon.state).toMatchObject({ phase: "down", respawn: false });
});

it("an end in time spares it the kill", () => {
  const daemon = new Simulation();
  daemon.tell({ type: "stop" });
  daemon.tell(exit);
  daemon.tell({ type: "start" });
  daemon.time.advance(60_000);
  expect(daemon.acts()).toEqual(["launch", "halt", "launch"]);
});

it("a start while it is stopping brings it back as soon as it is gone", () => {
  const daemon = new Simulation();
  daemon.tell({ type: "stop" });
  daemon.tell({ type: "start" });
  expect(daemon.acts()).toEqual(["launch", "halt"]);
  daemon.tell(exit);
  daemon.time.advance(0);
  expect(daemon.acts()).toEqual(["launch"]);
});

it("a stop while it waits for its next start ends the wait", () => {
  const daemon = new Simulation();
  daemon.tell(crash);
  daemon.tell({ type: "stop" });
  daemon.time.advance(60_000);
  expect(daemon.acts()).toEqual(["launch"]);
});

it("a change is told again until it listens, and no longer than its process lives", () => {
  const daemon = new Simulation();
  daemon.tell({ type: "notify" });
  daemon.tell({ type: "deaf" });
  daemon.time.advance(50);
  expect(daemon.acts()).toEqual(["launch", "notify", "notify"]);
  daemon.time.advance(1000);
  expect(daemon.acts()).toEqual([]);
  daemon.tell({ type: "deaf" });
  daemon.tell({ type: "stop" });
  daemon.tell(exit);
  daemon.time.advance(1000);
  expect(daemon.acts()).toEqual(["halt"]);
});

it.each([
  ["daemon-no-respawn", crash, []],
  ["daemon-respawns-after-stop", { type: "stop" } as const, ["halt", "launch"]],
])("%s", (quirk, event, expected) => {
  const daemon = new Simulation(quirk);
  daemon.acts();
  daemon.tell(event);
  if (daemon.runs) daemon.tell(exit);
  daemon.time.advance(60_000);
  expect(daemon.acts()).toEqual(expected);
});

it("whatever it is told, it acts on a process that is there, and what shall run runs or will", () => {
  const told = fc.constantFrom<Told>(
    { type: "start" },
    { type: "stop" },
    { type: "shutdown" },
    { type: "notify" },
    { type: "deaf" },
    crash,
    exit,
  );
  const moves = fc.array(fc.oneof(told, fc.constantFrom(0, 50, 1000, 6000)), { maxLength: 20 });
  fc.assert(
    fc.property(moves, (list) => {
      // It throws at an effect on a process that is not there, and at a launch beside one.
      const daemon = new Simulation();
      for (const move of list) {
        if (typeof move === "number") daemon.time.advance(move);
        else if (move.type !== "ended" || daemon.runs) daemon.tell(move);
        const { phase, respawn } = daemon.state;
        const pending = (timer: DaemonTimer) => daemon.time.keys.includes(timer);
        if (daemon.runs !== hasProcess(daemon.state)) expect.unreachable("a process is forgotten");
        if (pending("respawn") !== (phase === "waiting")) expect.unreachable(`${phase} waits`);
        const mayBe = respawn ? phase !== "down" : phase === "down" || phase === "stopping";
        if (!mayBe) expect.unreachable(`${phase}, respawn ${respawn}`);
      }
      daemon.tell({ type: "shutdown" });
      if (daemon.runs) daemon.tell(exit);
      daemon.time.advance(60_000);
      expect([daemon.runs, daemon.state.phase]).toEqual([false, "down"]);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
