import { parseLogLine } from "./log-line.ts";

/** Fact that a line of pantavisor.log tells (docs/pantavisor.md §2.6, §6). */
export type LogFact =
  | {
      readonly type: "container.changed";
      readonly what: "container" | "group" | "revision";
      readonly name: string;
      readonly status: string;
    }
  | {
      readonly type: "link.changed";
      readonly consumer: string;
      readonly service: string;
      readonly state: "adding" | "established" | "failed" | "removed";
    };

const STATUS = /^(platform|group|state revision) '(.{1,200}?)' status is now ([A-Z_]{1,40})$/;
const KINDS = { platform: "container", group: "group", "state revision": "revision" } as const;

const LINK_STATES = [
  [/^Link established: ([^\s/]{1,200})\/(\S{1,200})$/, "established"],
  [/^Removing link: ([^\s/]{1,200})\/(\S{1,200})$/, "removed"],
  [/^([^\s/]{1,200})\/(\S{1,200}): cannot provide /, "failed"],
] as const;

/** @returns undefined for a line that tells no change of a container or a link */
export function logFact(line: string): LogFact | undefined {
  const parsed = parseLogLine(line);
  if (parsed === undefined) return undefined;
  const { module, message } = parsed;
  if (!module.startsWith("pv-xconnect")) {
    const [, kind, name = "", status = ""] = STATUS.exec(message) ?? [];
    if (kind === undefined) return undefined;
    return { type: "container.changed", what: KINDS[kind as keyof typeof KINDS], name, status };
  }
  for (const [pattern, state] of LINK_STATES) {
    const [, consumer, service = ""] = pattern.exec(message) ?? [];
    if (consumer !== undefined) return { type: "link.changed", consumer, service, state };
  }
  return undefined;
}
