import type { Quirks } from "../../shared/quirks/quirks.ts";
import { afterCrash } from "./container-crash.ts";
import type {
  ContainerEffect,
  ContainerEvent,
  ContainerPlan,
  ContainerState,
  Step,
  TimerName,
} from "./container-state.ts";
import { GRACE_MILLISECONDS, RUNNING, isUp, to } from "./container-state.ts";
import type { LogEffect } from "./log-effect.ts";
import { logEffect } from "./log-effect.ts";

/**
 * The life of one container as a pure state machine (docs/pantavisor.md §4). `stepContainer` never
 * starts or stops anything: it returns effects; the code that carries them out reports back by
 * events.
 *
 *   INSTALLED ─launch→ MOUNTED → STARTING → STARTED (→ READY)
 *   running ─stop→ STOPPING ─ended→ STOPPED, or INSTALLED for a restart
 *   running ─ended→ RECOVERING ─timer→ INSTALLED, or STOPPED (see recovery.ts)
 *
 * The revision (revision.ts) decides when an INSTALLED or BLOCKED container is launched.
 */
export function stepContainer(
  plan: ContainerPlan,
  before: ContainerState,
  event: ContainerEvent,
  now: number,
  quirks: Quirks,
): Step {
  const step = transition(plan, before, event, now, quirks);
  if (step.state.status === before.status) return step;
  // Order of the log: the reason, the new status, then what follows from it.
  const lines = step.effects.filter(({ type }) => type === "log");
  const others = step.effects.filter(({ type }) => type !== "log");
  return { state: step.state, effects: [...lines, statusLine(plan, step.state), ...others] };
}

function transition(
  plan: ContainerPlan,
  state: ContainerState,
  event: ContainerEvent,
  now: number,
  quirks: Quirks,
): Step {
  const stay: Step = { state, effects: [] };
  switch (event.type) {
    case "block":
      return state.status === "INSTALLED" && !state.launching
        ? to({ ...state, status: "BLOCKED" })
        : stay;
    case "launch":
      if (state.launching || (state.status !== "INSTALLED" && state.status !== "BLOCKED")) {
        return stay;
      }
      return to(
        { ...state, launching: true, readyEarly: false, lastStart: now },
        { type: "launch" },
      );
    case "mounted":
      if (!state.launching) return stay;
      if (state.status === "STOPPING") {
        // A container with goal MOUNTED runs no process, so its stop is over at once.
        return plan.statusGoal === "MOUNTED"
          ? ended(plan, state, { exitCode: 0 }, now, quirks)
          : stay;
      }
      return plan.statusGoal === "MOUNTED"
        ? to({
            ...state,
            status: "MOUNTED",
            launching: false,
            goalReached: true,
            failure: undefined,
          })
        : to({ ...state, status: "MOUNTED" });
    case "starting":
      return state.status === "MOUNTED" ? to({ ...state, status: "STARTING" }) : stay;
    case "started":
      return state.launching ? started(plan, { ...state, launching: false, lastStart: now }) : stay;
    case "ended":
      if (!state.launching && !isUp(state)) return stay;
      return ended(plan, state, event, now, quirks);
    case "ready-signal":
      if (plan.statusGoal !== "READY") return stay;
      if (state.launching) return to({ ...state, readyEarly: true });
      if (state.status !== "STARTED") return stay;
      return atGoal(plan, { ...state, status: "READY" });
    case "timer":
      return fired(plan, state, event.timer, quirks);
    case "stop":
      return stop(plan, { ...state, userStopped: true, crashed: false }, "user-stop", quirks);
    case "teardown":
      return stop(plan, state, "teardown", quirks);
    case "start":
      return start(state, quirks);
    case "restart":
      return restart(plan, state, quirks);
  }
}

function started(plan: ContainerPlan, state: ContainerState): Step {
  // The stop came during the launch: its init runs only now, so halt it now.
  if (state.status === "STOPPING") return to(state, { type: "halt" });
  const running: ContainerState = {
    ...state,
    status: "STARTED",
    crashed: false,
    stable: false,
    failure: undefined,
  };
  if (plan.statusGoal === "STARTED") return atGoal(plan, running);
  return state.readyEarly ? atGoal(plan, { ...running, status: "READY" }) : to(running);
}

function atGoal(plan: ContainerPlan, state: ContainerState): Step {
  const seconds = plan.recovery?.stable_timeout ?? 0;
  const reached = { ...state, goalReached: true };
  if (seconds === 0) return to(reached);
  return to(reached, { type: "arm", timer: "stable", milliseconds: seconds * 1000 });
}

function ended(
  plan: ContainerPlan,
  before: ContainerState,
  { exitCode, reason }: { exitCode: number | null; reason?: string },
  now: number,
  quirks: Quirks,
): Step {
  const runSeconds = (now - before.lastStart) / 1000;
  if (before.status === "STARTED" && runSeconds < 25 && quirks.has("recovery-misses-fast-exit")) {
    return to(before);
  }
  const { forced } = before;
  const state: ContainerState = {
    ...before,
    ...{ launching: false, stable: false, forced: false, failure: reason },
  };
  const cleaning: ContainerEffect[] = [
    { type: "disarm", timer: "grace" },
    { type: "disarm", timer: "stable" },
    { type: "release" },
  ];
  if (state.status === "STOPPING") {
    const again = state.next === "restart" || (state.userStopped && quirks.has("stop-recovers"));
    if (!forced) {
      const line = `platform '${plan.name}' exited during lenient stop`;
      cleaning.push(logEffect("DEBUG", "state", "pv_state_run:877", line));
    }
    return to({ ...state, status: again ? "INSTALLED" : "STOPPED" }, ...cleaning);
  }
  const why = `platform '${plan.name}' suddenly stopped (${reason ?? ending(exitCode)})`;
  cleaning.push(logEffect("WARN", "state", "pv_state_run:865", why));
  const step = afterCrash(plan, state, exitCode, runSeconds, quirks);
  return { state: step.state, effects: [...cleaning, ...step.effects] };
}

function ending(exitCode: number | null): string {
  return exitCode === null ? "killed by a signal" : `exit code ${exitCode}`;
}

function fired(plan: ContainerPlan, state: ContainerState, timer: TimerName, quirks: Quirks): Step {
  const { name } = plan;
  if (timer === "recovery" && state.status === "RECOVERING") {
    const line = `recovery timer finished for platform '${name}'. Restarting...`;
    return to(
      { ...state, status: "INSTALLED" },
      logEffect("INFO", "state", "pv_state_run:894", line),
    );
  }
  if (timer === "stable" && state.status === plan.statusGoal && !quirks.has("never-stable")) {
    return to(
      { ...state, stable: true },
      logEffect(
        "INFO",
        "platforms",
        "pv_platform_stable_cb:171",
        `platform '${name}' is now STABLE`,
      ),
    );
  }
  if (timer === "grace" && state.status === "STOPPING") {
    const line = `platform '${name}' did not exit after lenient stop, force stopping`;
    return to(
      { ...state, forced: true },
      logEffect("WARN", "state", "pv_state_run:885", line),
      logEffect(
        "DEBUG",
        "platforms",
        "pv_platform_force_stop:1454",
        `force stopping platform '${name}'`,
      ),
      { type: "kill" },
    );
  }
  return to(state);
}

/** @param state with `userStopped` set when the user asked for the stop */
function stop(
  plan: ContainerPlan,
  state: ContainerState,
  next: ContainerState["next"],
  quirks: Quirks,
): Step {
  if (state.launching || RUNNING.includes(state.status)) {
    // A second stop while STOPPING changes only the step that follows the stop under way.
    if (state.status === "STOPPING") return to({ ...state, next });
    const halt: ContainerEffect[] = state.launching ? [] : [{ type: "halt" }];
    return to(
      { ...state, status: "STOPPING", next },
      logEffect(
        "DEBUG",
        "platforms",
        "pv_platform_stop:602",
        `leniently stopping platform '${plan.name}'`,
      ),
      { type: "arm", timer: "grace", milliseconds: GRACE_MILLISECONDS },
      ...halt,
    );
  }
  switch (state.status) {
    case "STOPPING":
      return to({ ...state, next });
    case "RECOVERING":
      if (next === "user-stop" && quirks.has("stop-during-recovery-ignored")) return to(state);
      return to({ ...state, status: "STOPPED" }, { type: "disarm", timer: "recovery" });
    case "MOUNTED":
      return to({ ...state, status: "STOPPED" }, { type: "release" });
    default:
      return to({ ...state, status: "STOPPED" });
  }
}

function start(state: ContainerState, quirks: Quirks): Step {
  const fresh = quirks.has("start-keeps-flag")
    ? { ...forget(state), userStopped: state.userStopped }
    : forget(state);
  switch (state.status) {
    case "STOPPING":
      return to({ ...fresh, next: "restart" });
    case "STOPPED":
    case "RECOVERING":
      return to({ ...fresh, status: "INSTALLED" }, { type: "disarm", timer: "recovery" });
    default:
      return to(state);
  }
}

function restart(plan: ContainerPlan, state: ContainerState, quirks: Quirks): Step {
  if (quirks.has("restart-no-op")) return to(state);
  if (RUNNING.includes(state.status)) return stop(plan, forget(state), "restart", quirks);
  return start(state, quirks);
}

/** A start or restart by the user begins a new history (docs/pantavisor.md §4.6). */
function forget(state: ContainerState): ContainerState {
  return { ...state, userStopped: false, crashed: false, retries: 0 };
}

function statusLine(plan: ContainerPlan, state: ContainerState): LogEffect {
  const line = `platform '${plan.name}' status is now ${state.status}`;
  return logEffect("INFO", "platforms", "pv_platform_set_status:238", line);
}
