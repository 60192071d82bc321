import { defineRules } from "../rule.ts";

/** Causes in the life of containers and revisions. */
export const lifecycleRules = defineRules(
  {
    id: "container-cannot-start",
    cause: "container '{container}' cannot be started: {why}",
    shows: [
      {
        in: "containers",
        line: String.raw`"name":"(?<container>[^"]+)".*"error":"(?<why>(?:[^"\\]|\\.){1,300})"`,
      },
    ],
    fix: "mend its export or its volumes: pvh logs NAME --container {container}",
    source: "docs/pantavisor.md §4.1",
  },
  {
    id: "recovery-exhausted",
    cause: "container '{container}' has crashed until its retries were used up ({retries})",
    shows: [
      {
        in: "pantavisor.log",
        line: String.raw`platform '(?<container>[^']+)' .{0,80}reached max retries \((?<retries>\d+)\)`,
      },
    ],
    fix: "find why it ends: pvh logs NAME --container {container}; max_retries and backoff_policy are in run.json",
    source: "docs/pantavisor.md §5.2",
  },
  {
    id: "exit-zero-retried",
    cause:
      "container '{container}' ended with exit code 0 and is started again: its pantavisor takes that for a failure",
    shows: [
      {
        in: "pantavisor.log",
        line: String.raw`platform '(?<container>[^']+)' (?:suddenly stopped|exited|ended).{0,40}exit code 0\b`,
      },
      { in: "pantavisor.log", line: String.raw`'{container}'.{0,60}auto-recovery` },
      { in: "containers", line: String.raw`"name":"{container}".*"policy":"on-failure"` },
    ],
    fix: "policy on-failure recovers after exit 0 too on 029-32: use a container that does not end",
    source: "docs/pantavisor.md §5.3",
  },
  {
    id: "container-in-recovery",
    cause: "container '{container}' crashes: recovery attempt {attempt}",
    shows: [
      {
        in: "pantavisor.log",
        line: String.raw`platform '(?<container>[^']+)' crashed\. Attempting auto-recovery \(attempt (?<attempt>\d+/\d+)\)`,
      },
      {
        in: "containers",
        line: String.raw`"name":"{container}".*"status":"(?:RECOVERING|STOPPED)"(?!.*"user_stopped":"true")`,
      },
    ],
    fix: "find why it ends: pvh logs NAME --container {container}",
    source: "docs/pantavisor.md §5.2",
  },
  {
    id: "ready-hides-stopped",
    cause:
      "the revision says READY although container '{container}' is {status}: READY does not mean that all containers run",
    shows: [
      {
        in: "containers",
        line: String.raw`"name":"(?<container>[^"]+)".*"status":"(?<status>STOPPED)".*"user_stopped":"false"`,
      },
      { in: "probes", line: String.raw`^revision \S+ is READY$` },
    ],
    fix: "look at each container too: pvh ctl GET /containers",
    source: "docs/pantavisor.md §4.3",
  },
  {
    id: "stop-not-final",
    cause: "container '{container}' was started again after the user's stop",
    shows: [
      {
        in: "containers",
        line: String.raw`"name":"(?<container>[^"]+)".*"status":"(?:STARTED|STARTING|RECOVERING)".*"user_stopped":"true"`,
      },
    ],
    fix: "stop it again when it runs; on 029-32 a stop while RECOVERING leaves the recovery's timer",
    source: "docs/pantavisor.md §4.6",
  },
  {
    id: "step-refused",
    cause: "the revision was refused before it began: {why}",
    shows: [
      {
        in: ["failure", "pantavisor.log"],
        line: String.raw`WONTGO.{0,60}?(?:status-msg"?: ?"?|: )(?<why>[^"}]{3,200})`,
        during: "check",
      },
    ],
    fix: "mend the step and install it again: pvtx, or PUT /steps/locals/NAME",
    source: "docs/pantavisor.md §5.4",
  },
  {
    id: "update-rolled-back",
    cause: "the update failed and was rolled back: {why}",
    shows: [
      {
        in: "failure",
        line: String.raw`"?status"?: ?['"]ERROR['"].{0,60}?status-msg"?'?: ?["'](?<why>[^"']{3,200})`,
      },
    ],
    fix: "read the log of that revision: logs/REVISION/pantavisor/pantavisor.log",
    source: "docs/pantavisor.md §5.4",
  },
  {
    id: "api-stands-still",
    cause:
      "pantavisor stands still for 5 s before it stops a container, and answers nobody meanwhile",
    shows: [
      {
        in: "failure",
        line: String.raw`^ms .*(?:slowest reply|reply to the stop).*: (?:[4-9]|\d\d)\d{3}(?:\.\d)? ms`,
      },
    ],
    fix: "wait for the reply; a client needs a time-out of more than 12 s",
    source: "docs/pantavisor.md §4.6",
  },
);
