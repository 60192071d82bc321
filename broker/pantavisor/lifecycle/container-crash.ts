import type { Quirks } from "../../shared/quirks/quirks.ts";
import type { ContainerPlan, ContainerState, Step } from "./container-state.ts";
import { to } from "./container-state.ts";
import type { LogEffect } from "./log-effect.ts";
import { logEffect } from "./log-effect.ts";
import { backoffSeconds, decideRecovery } from "./recovery.ts";

/** The step that a container takes when it has ended by itself (docs/pantavisor.md §5.2). */
export function afterCrash(
  plan: ContainerPlan,
  state: ContainerState,
  exitCode: number | null,
  runSeconds: number,
  quirks: Quirks,
): Step {
  const decision = decideRecovery(plan, { exitCode, retries: state.retries, runSeconds }, quirks);
  const down: ContainerState = { ...state, status: "STOPPED", crashed: true };
  const { name } = plan;
  const limit = plan.recovery?.max_retries ?? 0;
  const policy = plan.recovery?.backoff_policy ?? "reboot";
  switch (decision.kind) {
    case "stay":
      return to({ ...down, crashed: decision.crashed });
    case "reboot":
      return to(
        down,
        ...(decision.exhausted
          ? [exhaustedLine(name, limit), backoffLine("reboot — rebooting")]
          : []),
        { type: "reboot" },
      );
    case "give-up":
      return to(down, exhaustedLine(name, limit), backoffLine(`never — leaving '${name}' stopped`));
    case "pause":
      return to(
        { ...down, status: "RECOVERING", retries: 0 },
        exhaustedLine(name, limit),
        backoffLine(`${backoffSeconds(policy) ?? 0}s — scheduling retry cycle reset`),
        { type: "arm", timer: "recovery", milliseconds: decision.delaySeconds * 1000 },
      );
    case "retry": {
      const { attempt, delaySeconds } = decision;
      const line = recoveryLine(
        "INFO",
        805,
        `platform '${name}' crashed. Attempting auto-recovery (attempt ${attempt}/${limit}) in ${delaySeconds} seconds...`,
      );
      if (delaySeconds === 0) return to({ ...down, status: "INSTALLED", retries: attempt }, line);
      return to({ ...down, status: "RECOVERING", retries: attempt }, line, {
        type: "arm",
        timer: "recovery",
        milliseconds: delaySeconds * 1000,
      });
    }
  }
}

function exhaustedLine(name: string, limit: number): LogEffect {
  return recoveryLine("WARN", 754, `platform '${name}' reached max retries (${limit}).`);
}

function backoffLine(decision: string): LogEffect {
  return recoveryLine("WARN", 772, `backoff_policy=${decision}`);
}

function recoveryLine(level: LogEffect["level"], line: number, message: string): LogEffect {
  return logEffect(level, "state", `pv_state_check_auto_recovery:${line}`, message);
}
