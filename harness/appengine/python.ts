import { clock } from "../clock/clock.ts";

/**
 * Python source in which `patient(seconds)` is the time-out for a machine as busy as this one
 * is now. A program in a container has time-outs of its own, and none of them may end a wait
 * before the check's clock would.
 */
export function patientPython(source: string): string {
  const patient = `patient = lambda seconds: seconds * ${clock.stretch().toFixed(2)}`;
  // Line numbers in a traceback stay those of the source.
  return source.startsWith("\n") ? patient + source : `${patient}; ${source}`;
}

/** The same for a program that takes whole seconds, such as timeout(1). */
export function patientSeconds(seconds: number): number {
  return Math.ceil(seconds * clock.stretch());
}
