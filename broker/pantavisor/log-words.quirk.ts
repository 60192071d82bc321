import type { Quirks } from "../shared/quirks/quirks.ts";
import type { PantavisorLog } from "./pantavisor-log.ts";

/** Lines that test plans look for, and no machine. */
const SAID =
  /exited during lenient stop|force stopping|cgroup version detected|still exists\. Removing|rejecting \S+ command|^\(ctrl_upload:/;

export function deviatingLog(log: PantavisorLog, quirks: Quirks): PantavisorLog {
  if (!quirks.has("log-words-missing")) return log;
  return {
    ...log,
    write(level, module, message) {
      if (!SAID.test(message)) log.write(level, module, message);
    },
    effect(effect) {
      if (!SAID.test(effect.message)) log.effect(effect);
    },
    [Symbol.dispose]: () => log[Symbol.dispose](),
  };
}
