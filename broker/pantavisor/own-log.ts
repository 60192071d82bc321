/**
 * pv-appengine's own lines (docs/pantavisor.md §2.6):
 * `[pvtest] 1795388553 INFO -- [pv-appengine]: …`.
 */
export interface OwnLog {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  /** Writes to stderr; the others write to stdout. */
  error(message: string): void;
}

export function ownLog(
  stdout: (text: string) => void,
  stderr: (text: string) => void,
  seconds: () => number,
): OwnLog {
  const line = (level: string, message: string) =>
    `[pvtest] ${Math.trunc(seconds())} ${level} -- [pv-appengine]: ${message}\n`;
  return {
    debug: (message) => stdout(line("DEBUG", message)),
    info: (message) => stdout(line("INFO", message)),
    warn: (message) => stdout(line("WARN", message)),
    error: (message) => stderr(line("ERROR", message)),
  };
}
