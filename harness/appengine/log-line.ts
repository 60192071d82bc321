/** One line of pantavisor.log (docs/pantavisor.md §2.6). */
export interface LogLine {
  readonly platform: string;
  /** Seconds since the kernel's or pantavisor's start. */
  readonly seconds: number;
  readonly level: "FATAL" | "ERROR" | "WARN" | "INFO" | "DEBUG" | "ALL";
  readonly module: string;
  readonly message: string;
}

const LINE =
  /^\[(?<platform>[^\]]+)\]\s+(?:\[[^\]]*\]\s+)?(?<seconds>\S+)\s+(?<level>FATAL|ERROR|WARN|INFO|DEBUG|ALL)\s+--\s+\[(?<module>[^\]]+)\]:\s+(?:\(\w+:\d+\)\s+)?(?<message>.*)$/;

/** @returns undefined for a line in another format (a continuation, a truncated line) */
export function parseLogLine(text: string): LogLine | undefined {
  const groups = LINE.exec(text)?.groups;
  if (groups === undefined) return undefined;
  return {
    platform: groups["platform"] ?? "",
    seconds: Number(groups["seconds"]),
    level: groups["level"] as LogLine["level"],
    module: groups["module"] ?? "",
    message: groups["message"] ?? "",
  };
}

export const READY_LINE = /state revision '(.+?)' status is now READY/;
