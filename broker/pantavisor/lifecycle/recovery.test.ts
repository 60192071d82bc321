import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AutoRecovery } from "../../shared/formats/run-manifest.ts";
import { autoRecovery } from "../../shared/formats/run-manifest.ts";
import { none, parseQuirks } from "../../shared/quirks/quirks.ts";
import { backoffSeconds, decideRecovery, formatBackoffPolicy, retryDelay } from "./recovery.ts";
import { PROPERTY_RUNS } from "../../shared/formats/property-runs.fixture.ts";

const recovery = (rest: Partial<AutoRecovery>): AutoRecovery =>
  autoRecovery.parse({ policy: "on-failure", ...rest });
const subject = (rest: Partial<AutoRecovery>) => ({
  restartPolicy: "container" as const,
  recovery: recovery(rest),
});
const crash = { exitCode: 1, retries: 0, runSeconds: 1 };

describe("delays", () => {
  const delays = (retry_delay: number, backoff_factor: number, attempts: number) =>
    Array.from({ length: attempts }, (_, index) =>
      retryDelay({ retry_delay, backoff_factor }, index + 1, none),
    );

  it("double from 5 s with factor 2", () => {
    expect(delays(5, 2, 5)).toEqual([5, 10, 20, 40, 80]);
  });

  it("are truncated with factor 1.5, as measured on a real appengine", () => {
    expect(delays(2, 1.5, 10)).toEqual([2, 3, 4, 6, 10, 15, 22, 34, 51, 76]);
  });

  it("stay the same with a factor of 1 or less", () => {
    expect(delays(7, 0.5, 3)).toEqual([7, 7, 7]);
  });

  it("stay none however often the factor is applied", () => {
    expect(retryDelay({ retry_delay: 0, backoff_factor: 2 }, 2000, none)).toBe(0);
  });

  it("grow by addition under backoff-linear", () => {
    const quirks = parseQuirks("backoff-linear");
    expect(retryDelay({ retry_delay: 5, backoff_factor: 2 }, 3, quirks)).toBe(15);
  });

  it("never shrink from one attempt to the next", () => {
    fc.assert(
      fc.property(fc.nat(600), fc.double({ min: 0, max: 4, noNaN: true }), (delay, factor) => {
        const all = delays(delay, factor, 8);
        return all.every((one, index) => index === 0 || one >= (all[index - 1] ?? 0));
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

describe("a crash without auto-recovery", () => {
  it("leaves a container of policy container STOPPED", () => {
    expect(
      decideRecovery({ restartPolicy: "container", recovery: undefined }, crash, none),
    ).toEqual({ kind: "stay", crashed: true });
  });

  it("reboots for policy system", () => {
    expect(decideRecovery({ restartPolicy: "system", recovery: undefined }, crash, none)).toEqual({
      kind: "reboot",
      exhausted: false,
    });
  });

  it("is the same with an explicit no", () => {
    expect(decideRecovery(subject({ policy: "no" }), crash, none).kind).toBe("stay");
  });
});

describe("policies", () => {
  it("on-failure does not count exit 0 as a failure", () => {
    expect(decideRecovery(subject({}), { ...crash, exitCode: 0 }, none)).toEqual({
      kind: "stay",
      crashed: false,
    });
  });

  it("on-failure retries after a signal", () => {
    expect(decideRecovery(subject({}), { ...crash, exitCode: null }, none).kind).toBe("retry");
  });

  it.each(["always", "unless-stopped"] as const)("%s retries after any exit", (policy) => {
    expect(decideRecovery(subject({ policy }), { ...crash, exitCode: 0 }, none).kind).toBe("retry");
  });
});

describe("when the retries are used up", () => {
  const used = { ...crash, retries: 3 };

  it("never gives up on this container alone", () => {
    const never = subject({ max_retries: 3, backoff_policy: "never" });
    expect(decideRecovery(never, used, none)).toEqual({ kind: "give-up" });
  });

  it("a duration pauses for so long", () => {
    const pause = subject({ max_retries: 3, backoff_policy: "10min" });
    expect(decideRecovery(pause, used, none)).toEqual({ kind: "pause", delaySeconds: 600 });
  });

  it("reboot reboots", () => {
    expect(decideRecovery(subject({ max_retries: 3 }), used, none)).toEqual({
      kind: "reboot",
      exhausted: true,
    });
  });

  it("a run longer than reset_window begins a new cycle", () => {
    const windowed = subject({ max_retries: 3, reset_window: 60 });
    expect(decideRecovery(windowed, { ...used, runSeconds: 61 }, none)).toMatchObject({
      attempt: 1,
    });
    expect(decideRecovery(windowed, { ...used, runSeconds: 60 }, none).kind).toBe("reboot");
  });

  it("never happens without a limit", () => {
    expect(decideRecovery(subject({}), { ...crash, retries: 1000 }, none)).toMatchObject({
      attempt: 1001,
    });
  });
});

it.each([
  ["crash-reboots", { policy: "no" }, crash, "reboot"],
  ["unless-stopped-reboots", { policy: "unless-stopped" }, crash, "reboot"],
  ["always-ignored", { policy: "always" }, crash, "stay"],
  ["exit-zero-retried", {}, { ...crash, exitCode: 0 }, "retry"],
  [
    "window-ignored",
    { max_retries: 1, reset_window: 1 },
    { ...crash, retries: 1, runSeconds: 9 },
    "reboot",
  ],
  [
    "exhausted-reboots",
    { max_retries: 1, backoff_policy: "never" },
    { ...crash, retries: 1 },
    "reboot",
  ],
  ["reboot-ignored", { max_retries: 1 }, { ...crash, retries: 1 }, "give-up"],
  [
    "duration-ignored",
    { max_retries: 1, backoff_policy: "10s" },
    { ...crash, retries: 1 },
    "give-up",
  ],
] as const)("the quirk %s changes the decision", (quirk, rest, end, expected) => {
  const strict = decideRecovery(subject(rest), end, none).kind;
  expect(decideRecovery(subject(rest), end, parseQuirks(quirk)).kind).toBe(expected);
  expect(strict).not.toBe(expected);
});

it.each([
  ["90", 90],
  ["90s", 90],
  ["10min", 600],
  ["2h", 7200],
  ["never", undefined],
  ["reboot", undefined],
])("the backoff policy %s is %s seconds", (policy, seconds) => {
  expect(backoffSeconds(policy)).toBe(seconds);
  expect(formatBackoffPolicy(policy)).toBe(seconds === undefined ? policy : `${seconds}s`);
});
