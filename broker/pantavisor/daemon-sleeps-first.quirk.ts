/**
 * The daemon behind a sleep of 5 s, in whose process it then runs. The shell's arguments do not name
 * it, so that its command line tells which of the two runs.
 */
export function behindSleep(command: readonly string[]): [string, ...string[]] {
  const script = "/bin/sleep 5 >&- 2>&-; exec $DAEMON";
  return ["/usr/bin/env", `DAEMON=${command.join(" ")}`, "/bin/sh", "-c", script];
}
