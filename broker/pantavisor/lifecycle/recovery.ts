import type { AutoRecovery } from "../../shared/formats/run-manifest.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";

/**
 * Decision about a container that ended without being asked to (docs/pantavisor.md §5.2, §5.3).
 */
export type RecoveryDecision =
  /** Stay STOPPED; `crashed` is false for an end that the policy does not count as failure. */
  | { readonly kind: "stay"; readonly crashed: boolean }
  | { readonly kind: "retry"; readonly attempt: number; readonly delaySeconds: number }
  /** Retries are used up: wait, then begin a new cycle. */
  | { readonly kind: "pause"; readonly delaySeconds: number }
  | { readonly kind: "give-up" }
  | { readonly kind: "reboot"; readonly exhausted: boolean };

export interface UnexpectedEnd {
  /** Exit code of its init; null when a signal ended it. */
  readonly exitCode: number | null;
  /** Attempts made in this cycle. */
  readonly retries: number;
  /** Seconds between its last start and its end. */
  readonly runSeconds: number;
}

export interface RecoverySubject {
  readonly restartPolicy: "system" | "container";
  readonly recovery: AutoRecovery | undefined;
}

/** Decide by policy and history alone, apart from the state machine. */
export function decideRecovery(
  { restartPolicy, recovery }: RecoverySubject,
  end: UnexpectedEnd,
  quirks: Quirks,
): RecoveryDecision {
  const policy = recovery?.policy ?? "no";
  if (recovery === undefined || policy === "no") {
    const reboots = restartPolicy === "system" || quirks.has("crash-reboots");
    return reboots ? { kind: "reboot", exhausted: false } : { kind: "stay", crashed: true };
  }
  if (policy === "unless-stopped" && quirks.has("unless-stopped-reboots")) {
    return { kind: "reboot", exhausted: false };
  }
  if (policy === "always" && quirks.has("always-ignored")) return { kind: "stay", crashed: true };
  if (policy === "on-failure" && end.exitCode === 0 && !quirks.has("exit-zero-retried")) {
    return { kind: "stay", crashed: false };
  }
  const retries = cycleIsOver(recovery, end, quirks) ? 0 : end.retries;
  if (recovery.max_retries > 0 && retries >= recovery.max_retries) {
    return exhausted(recovery, quirks);
  }
  const attempt = retries + 1;
  return { kind: "retry", attempt, delaySeconds: retryDelay(recovery, attempt, quirks) };
}

/**
 * Seconds before the attempt: trunc(retry_delay × factor^(attempt − 1)), without jitter or cap. A
 * factor of 1 or less counts as 1. 5 s × 2.0 gives 5, 10, 20, 40, 80; a delay of 0 stays 0.
 */
export function retryDelay(
  recovery: Pick<AutoRecovery, "retry_delay" | "backoff_factor">,
  attempt: number,
  quirks: Quirks,
): number {
  // The power grows to Infinity, and 0 × Infinity is NaN.
  if (recovery.retry_delay === 0) return 0;
  if (quirks.has("backoff-linear")) return recovery.retry_delay * attempt;
  const factor = recovery.backoff_factor > 1 ? recovery.backoff_factor : 1;
  return Math.trunc(recovery.retry_delay * factor ** (attempt - 1));
}

/** Seconds of a `<N>`, `<N>s`, `<N>min` or `<N>h`; undefined for `reboot` and `never`. */
export function backoffSeconds(policy: string): number | undefined {
  const match = /^(\d+)(s|min|h)?$/.exec(policy);
  if (match === null) return undefined;
  const unit = match[2] === "h" ? 3600 : match[2] === "min" ? 60 : 1;
  return Number(match[1]) * unit;
}

/** The policy as /containers and the log write it: `10min` becomes `600s`. */
export function formatBackoffPolicy(policy: string): string {
  const seconds = backoffSeconds(policy);
  return seconds === undefined ? policy : `${seconds}s`;
}

function cycleIsOver(recovery: AutoRecovery, end: UnexpectedEnd, quirks: Quirks): boolean {
  if (recovery.reset_window === 0 || quirks.has("window-ignored")) return false;
  return end.runSeconds > recovery.reset_window;
}

function exhausted({ backoff_policy }: AutoRecovery, quirks: Quirks): RecoveryDecision {
  if (backoff_policy === "reboot") {
    return quirks.has("reboot-ignored") ? { kind: "give-up" } : { kind: "reboot", exhausted: true };
  }
  const delaySeconds = backoffSeconds(backoff_policy);
  if (delaySeconds !== undefined && !quirks.has("duration-ignored")) {
    return { kind: "pause", delaySeconds };
  }
  return quirks.has("exhausted-reboots")
    ? { kind: "reboot", exhausted: true }
    : { kind: "give-up" };
}
