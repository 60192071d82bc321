/** Facts about a boot that has not reached READY. */
export interface BootFacts {
  /** Output of pv-appengine, which is the container's own. */
  readonly output: string;
  /** Exit code of pv-appengine, once it has ended. */
  readonly exitCode: number | undefined;
  /** An export that came after the storage volume had been prepared. */
  readonly late?: string | undefined;
  /** Lines of pantavisor.log and of LXC's logs that may hold a reason. */
  readonly log: string;
}

/** grep -E pattern that selects the lines of pantavisor.log which bootFailure() reads. */
export const REASON_LINES =
  "required service '|references unknown pool|declares an IPAM pool|asks for .* pool|cannot be in pool|suddenly stopped|did not work as expected|could not parse|unknown group|no plugin for type|FATAL";

const LAUNCH = /launching pantavisor/g;
/** Log line behind most boot loops: a container that may not stop has stopped. */
const STOPPED = /platform '.+' suddenly stopped \(.*\)/g;
const LAUNCHES_OF_A_LOOP = 3;

/**
 * Reason why a boot cannot work, or undefined while it still may.
 *
 * Known causes first, by name; then what every hopeless boot has in common: pv-appengine has
 * ended, or it starts pantavisor again and again.
 */
export function bootFailure(facts: BootFacts): string | undefined {
  if (facts.late !== undefined) {
    return `the storage volume was used before: exports are deployed once per volume, and ${facts.late} came later; use a fresh volume`;
  }
  const missing = /required service '(.+?)' for platform '(.+?)' not found/.exec(facts.log);
  if (missing) {
    return `required service '${missing[1] ?? ""}' of container '${missing[2] ?? ""}' is provided by no container`;
  }
  const unknown = /platform '.+?' references unknown pool '.+?'/.exec(facts.log);
  if (unknown) return `${unknown[0]}: device.json has no such network pool`;
  const program = /^lxc-start (\S+) \S+ ERROR .* - (.+ - Failed to exec ".+")$/m.exec(facts.log);
  if (program) {
    return `container '${program[1] ?? ""}' cannot start its program: ${program[2] ?? ""}`;
  }
  const [refused] =
    /platform '.+?' (?:declares an IPAM pool|asks for \S+, |of type \S+ cannot).+/.exec(
      facts.log,
    ) ?? [];
  if (refused !== undefined) return refused;
  if (facts.exitCode !== undefined) {
    return `pv-appengine ended with exit code ${facts.exitCode}: ${lastWords(facts.output)}`;
  }
  const launches = facts.output.match(LAUNCH)?.length ?? 0;
  if (launches >= LAUNCHES_OF_A_LOOP) {
    const stopped = facts.log.match(STOPPED)?.at(-1);
    return `reboot loop: pantavisor was started ${launches} times without READY: ${stopped ?? lastWords(facts.log)}`;
  }
  return undefined;
}

/** The last line that says something is wrong, else the last line. */
function lastWords(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const wrong = lines.filter((line) => /ERROR|FATAL|WARN|rror:|^pantavisor: /.test(line)).at(-1);
  return (wrong ?? lines.at(-1) ?? "it printed nothing").trim();
}
