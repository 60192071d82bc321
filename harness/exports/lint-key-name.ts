import type { Report } from "./finding.ts";

/**
 * Keys that the real parser looks up anywhere in the text, values included
 * (docs/pantavisor.md §1.2).
 */
const KEYS = new Set(
  [
    "name type config root-volume volumes storage persistence disk group runlevel restart_policy",
    "status_goal roles auto_recovery network mode pool hostname ip mac drivers required optional",
    "manual services logs exports conditions remount share socket role interface target provider",
  ].flatMap((line) => line.split(" ")),
);

export function lintKeyName(path: string, value: string, report: Report): void {
  if (!KEYS.has(value)) return;
  report({
    level: "warning",
    code: "value-is-key",
    path,
    message: `Pantavisor 029-32 may take the value ${JSON.stringify(value)} for the key`,
    fix: "choose another name",
  });
}
