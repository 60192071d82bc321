import type { Quirks } from "../../shared/quirks/quirks.ts";
import type { LogLevel } from "./log-effect.ts";
import { respawnAfter } from "./respawn.ts";

/**
 * The life of a daemon as a pure state machine (docs/pantavisor.md §3.5): `stepDaemon` returns
 * effects, the runner carries them out and reports back by events.
 *
 *   up ─ended→ waiting ─timer→ up
 *   up ─stop→ stopping ─ended→ down ─start→ up
 *
 * `stop` disables respawn and `start` enables it, also while the process is stopping: the daemon
 * then comes back as soon as it is gone.
 */
export interface DaemonState {
  /** `waiting` for its next start, or `down` until it is asked to start. */
  readonly phase: "up" | "stopping" | "waiting" | "down";
  /** True when the daemon is started again after its end. */
  readonly respawn: boolean;
  /** Length of the present series of crashes. */
  readonly crashes: number;
  /** Clock time of the last start, in milliseconds. */
  readonly lastStart: number;
}

export type DaemonEvent =
  | { readonly type: "begin" }
  /** Requests by the API. */
  | { readonly type: "start" | "stop" }
  /** pantavisor ends. */
  | { readonly type: "shutdown" }
  /** Its process has ended, or could not be started; by `how`: exit code, signal or null. */
  | { readonly type: "ended"; readonly how: number | string | null }
  /** Peers in the graph have changed; the daemon is to look again. */
  | { readonly type: "notify" }
  /** The daemon has no handler yet for the signal of `notify`. */
  | { readonly type: "deaf" }
  | { readonly type: "timer"; readonly timer: DaemonTimer };

export type DaemonTimer = "respawn" | "kill" | "notify";

export type DaemonEffect =
  | { readonly type: "launch" }
  | { readonly type: "halt" | "kill" }
  /** Send the signal of a change, or report `deaf`. */
  | { readonly type: "notify" }
  | { readonly type: "log"; readonly level: LogLevel; readonly message: string }
  | { readonly type: "arm"; readonly timer: DaemonTimer; readonly milliseconds: number }
  | { readonly type: "disarm"; readonly timer: DaemonTimer };

export interface DaemonStep {
  readonly state: DaemonState;
  readonly effects: readonly DaemonEffect[];
}

/** The state before `begin`. */
export const newDaemon: DaemonState = { phase: "down", respawn: true, crashes: 0, lastStart: 0 };

/** Milliseconds that a daemon may take to end. */
const STOP_GRACE = 3000;
/** Milliseconds between two looks whether a daemon that starts has its handler by now. */
const LOOK_AGAIN = 50;

/** True while the daemon has a process. */
export function hasProcess({ phase }: DaemonState): boolean {
  return phase === "up" || phase === "stopping";
}

/** @param now clock time in milliseconds */
export function stepDaemon(
  name: string,
  state: DaemonState,
  event: DaemonEvent,
  now: number,
  quirks: Quirks,
): DaemonStep {
  switch (event.type) {
    case "begin":
      return start(name, state, now);
    case "start":
      if (quirks.has("daemon-start-ignored")) return to(state);
      return start(name, { ...state, respawn: true }, now);
    case "stop":
      return stop({ ...state, respawn: quirks.has("daemon-respawns-after-stop") });
    case "shutdown":
      return stop({ ...state, respawn: false });
    case "ended":
      return hasProcess(state) ? ended(name, state, event.how, now, quirks) : to(state);
    case "notify":
      return hasProcess(state)
        ? to(state, { type: "disarm", timer: "notify" }, { type: "notify" })
        : to(state);
    case "deaf":
      return hasProcess(state)
        ? to(state, { type: "arm", timer: "notify", milliseconds: LOOK_AGAIN })
        : to(state);
    case "timer":
      return fired(name, state, event.timer, now);
  }
}

function start(name: string, state: DaemonState, now: number): DaemonStep {
  if (hasProcess(state)) return to(state);
  return to(
    { ...state, phase: "up", lastStart: now },
    { type: "disarm", timer: "respawn" },
    { type: "log", level: "INFO", message: `(daemon_spawn:66) Spawning ${name} daemon.` },
    { type: "launch" },
  );
}

function stop(state: DaemonState): DaemonStep {
  switch (state.phase) {
    case "up":
      return to(
        { ...state, phase: "stopping" },
        { type: "halt" },
        { type: "arm", timer: "kill", milliseconds: STOP_GRACE },
      );
    case "waiting":
      return to({ ...state, phase: "down" }, { type: "disarm", timer: "respawn" });
    default:
      return to(state);
  }
}

function ended(
  name: string,
  state: DaemonState,
  how: number | string | null,
  now: number,
  quirks: Quirks,
): DaemonStep {
  const requested = state.phase === "stopping";
  const effects: DaemonEffect[] = [
    { type: "disarm", timer: "kill" },
    { type: "disarm", timer: "notify" },
    {
      type: "log",
      level: requested ? "INFO" : "WARN",
      message: `daemon ${name} ended (${how ?? "not started"})`,
    },
  ];
  if (!state.respawn || (!requested && quirks.has("daemon-no-respawn"))) {
    return to({ ...state, phase: "down" }, ...effects);
  }
  const next = respawnAfter(requested ? 0 : state.crashes, now - state.lastStart);
  return to({ ...state, phase: "waiting", crashes: next.crashes }, ...effects, {
    type: "arm",
    timer: "respawn",
    milliseconds: next.delay,
  });
}

function fired(name: string, state: DaemonState, timer: DaemonTimer, now: number): DaemonStep {
  if (timer === "respawn") return state.phase === "waiting" ? start(name, state, now) : to(state);
  if (timer === "kill") return state.phase === "stopping" ? to(state, { type: "kill" }) : to(state);
  return hasProcess(state) ? to(state, { type: "notify" }) : to(state);
}

function to(state: DaemonState, ...effects: DaemonEffect[]): DaemonStep {
  return { state, effects };
}
