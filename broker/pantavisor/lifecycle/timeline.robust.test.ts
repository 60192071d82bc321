import { expect, it } from "vitest";
import { none } from "../../shared/quirks/quirks.ts";
import { systemClock } from "./clock.ts";
import type { RevisionEvent } from "./revision.ts";
import { initialRevision, stepRevision } from "./revision.ts";
import { containerPlan, onFailure, revisionPlan } from "./revision-simulation.fixture.ts";

/**
 * The timeline of pv-example-recovery (docs/pantavisor.md §5.5) on real timers, a hundred times
 * faster: 815 s take 8.15 s. The container is simulated; all timers are the product's.
 */
const SCALE = 100;
const RUN_SECONDS = 10;
const STARTS = [0, 15, 35, 65, 115, 205, 815];

it("the recovery timeline is exact, never early, at most 100 ms late, and does not drift", async () => {
  const plan = revisionPlan(containerPlan("rec", { recovery: onFailure }));
  const clock = systemClock(SCALE);
  const scheduled: number[] = [];
  const starts: number[] = [];
  const whole = Promise.withResolvers<undefined>();
  let state = initialRevision(plan);
  const begun = performance.now();

  function dispatch(event: RevisionEvent): void {
    const step = stepRevision(plan, state, event, clock.now(), none);
    state = step.state;
    for (const effect of step.effects) {
      if (effect.type !== "container") continue;
      const tell = (inner: (RevisionEvent & { type: "container" })["event"]) =>
        dispatch({ type: "container", name: "rec", event: inner });
      if (effect.effect.type === "launch") {
        starts.push(performance.now() - begun);
        if (starts.length === STARTS.length) whole.resolve(undefined);
        queueMicrotask(() => {
          for (const type of ["mounted", "starting", "started"] as const) tell({ type });
        });
        clock.after(RUN_SECONDS * 1000, () => tell({ type: "ended", exitCode: 1 }));
      } else if (effect.effect.type === "arm" && effect.effect.timer === "recovery") {
        const { timer, milliseconds } = effect.effect;
        scheduled.push(milliseconds / 1000);
        clock.after(milliseconds, () => tell({ type: "timer", timer }));
      }
    }
  }

  dispatch({ type: "begin" });
  await whole.promise;

  expect(scheduled).toEqual([5, 10, 20, 40, 80, 600]);
  const late = starts.map((at, index) => at - ((STARTS[index] ?? 0) * 1000) / SCALE);
  expect(Math.min(...late.slice(1))).toBeGreaterThanOrEqual(0);
  expect(Math.max(...late)).toBeLessThanOrEqual(100);
});
