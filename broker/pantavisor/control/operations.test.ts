import fc from "fast-check";
import { expect, it } from "vitest";
import { autoRecovery } from "../../shared/formats/run-manifest.ts";
import { isUp } from "../lifecycle/container-state.ts";
import { containerPlan } from "../lifecycle/revision-simulation.fixture.ts";
import { PROPERTY_RUNS } from "../../shared/formats/property-runs.fixture.ts";
import { parseQuirks } from "../../shared/quirks/quirks.ts";
import type { SimulatedContainer } from "./operations.fixture.ts";
import { SimulatedMachine } from "./operations.fixture.ts";

/**
 * Repeat a failure:
 * `PVH_SEED=N npx vitest run --project unit broker/pantavisor/control/operations`.
 */
const SEED = Number(process.env["PVH_SEED"] ?? 20_261_123);
/** Number of sequences; enough to find the effect of a quirk. */
const SEQUENCES = 1000;

type Operation =
  | { readonly do: "start" | "stop" | "restart" | "signal"; readonly of: number }
  | { readonly do: "crash"; readonly of: number; readonly exitCode: number | null }
  | { readonly do: "kill broker" | "stop broker" | "start broker" }
  | { readonly do: "wait"; readonly milliseconds: number };

const recovery = fc
  .record({
    policy: fc.constantFrom("always", "on-failure", "unless-stopped", "no"),
    max_retries: fc.constantFrom(0, 1, 3),
    retry_delay: fc.constantFrom(0, 1, 5),
    backoff_factor: fc.constantFrom(1, 2),
    reset_window: fc.constantFrom(0, 10),
    stable_timeout: fc.constantFrom(0, 2),
    backoff_policy: fc.constantFrom("never", "reboot", "20s"),
  })
  .map((fields) => autoRecovery.parse(fields));

const containers = fc
  .array(
    fc.record({
      group: fc.constantFrom("root", "app"),
      statusGoal: fc.constantFrom("MOUNTED" as const, "STARTED" as const, "READY" as const),
      restartPolicy: fc.constantFrom("container" as const, "container" as const, "system" as const),
      recovery: fc.option(recovery, { nil: undefined }),
      halts: fc.constantFrom(0, 50, 4999, undefined),
      starts: fc.constantFrom(0, 20, 700),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((list) =>
    list.map(({ halts, starts, ...plan }, index): SimulatedContainer => ({
      plan: containerPlan(`c${index}`, plan),
      halts,
      starts,
    })),
  );

const of = fc.nat({ max: 3 });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    do: fc.constantFrom("start" as const, "stop" as const, "restart" as const, "signal" as const),
    of,
  }),
  fc.record({ do: fc.constant("crash" as const), of, exitCode: fc.constantFrom(0, 1, null) }),
  fc.record({
    do: fc.constantFrom("kill broker" as const, "stop broker" as const, "start broker" as const),
  }),
  fc.record({
    do: fc.constant("wait" as const),
    milliseconds: fc.constantFrom(0, 1, 30, 1000, 5000, 30_000),
  }),
);

function perform(machine: SimulatedMachine, names: readonly string[], one: Operation): void {
  const nameOf = (index: number): string => names[index % names.length] ?? "";
  switch (one.do) {
    case "start":
    case "stop":
    case "restart": {
      machine.request(nameOf(one.of), one.do);
      return;
    }
    case "signal": {
      machine.signal(nameOf(one.of));
      return;
    }
    case "crash": {
      machine.crash(nameOf(one.of), one.exitCode);
      return;
    }
    case "kill broker": {
      machine.killBroker();
      return;
    }
    case "stop broker":
    case "start broker": {
      machine.actOnBroker(one.do === "stop broker" ? "stop" : "start");
      return;
    }
    case "wait": {
      machine.advance(one.milliseconds);
      return;
    }
  }
}

const property = (quirkList: string) =>
  fc.property(
    containers,
    fc.array(operation, { minLength: 1, maxLength: 20 }),
    (list, operations) => {
      const machine = new SimulatedMachine(list, parseQuirks(quirkList));
      const names = list.map(({ plan }) => plan.name);
      for (const one of operations) {
        perform(machine, names, one);
        if (machine.violations.length > 0) break;
      }
      machine.compareReplies();
      expect(machine.violations).toEqual([]);
      machine.actOnBroker("start");
      // Longer than any grace, retry delay and back-off there is.
      machine.advance(60_000);
      expect(machine.brokerPid).toBeGreaterThan(0);
      expect(machine.userStopped.filter((status) => status !== "STOPPED")).toEqual([]);
      machine.compareReplies();
      machine.shutDown();
      machine.advance(10_000);
      expect(machine.violations).toEqual([]);
      expect([...machine.processes]).toEqual([]);
      expect([...machine.state.containers.values()].filter(isUp)).toEqual([]);
      expect(machine.exits).toBe(1);
      expect(machine.pending.filter((key) => /\/(life|grace|recovery)$/.test(key))).toEqual([]);
    },
  );

it("keeps its invariants through any sequence of operations", { timeout: 60_000 }, () => {
  fc.assert(property(""), { numRuns: PROPERTY_RUNS, seed: SEED });
});

it.each(["stop-recovers", "stop-during-recovery-ignored", "system-controllable"])(
  "finds what %s does, in a short sequence",
  { timeout: 60_000 },
  (quirk) => {
    const found = fc.check(property(quirk), { numRuns: SEQUENCES, seed: SEED });
    expect(found.failed).toBe(true);
    expect(found.counterexample?.[1].length).toBeLessThanOrEqual(4);
  },
);
