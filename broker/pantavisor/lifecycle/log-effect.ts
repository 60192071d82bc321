/** A line for pantavisor.log, as data: the state machines write nothing themselves. */
export interface LogEffect {
  readonly type: "log";
  readonly level: LogLevel;
  readonly module: string;
  /** `function:line` of Pantavisor's source; programs that read the log match on it. */
  readonly origin: string;
  readonly message: string;
}

export type LogLevel = "FATAL" | "ERROR" | "WARN" | "INFO" | "DEBUG";

export function logEffect(
  level: LogLevel,
  module: string,
  origin: string,
  message: string,
): LogEffect {
  return { type: "log", level, module, origin, message };
}
