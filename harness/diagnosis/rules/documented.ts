import { defineRules } from "../rule.ts";

const WORKFLOW = "GEMINI.md of meta-pantavisor, 2026-01-22: Common Issues";

/** The rows of the troubleshooting table in the documents. */
export const documentedRules = defineRules(
  {
    id: "api-hangs-without-host",
    cause: "API calls hang: pv-ctrl does not answer a request without a Host header",
    shows: [
      {
        in: ["probes", "failure"],
        line: String.raw`^GET /buildinfo with Host localhost: \d+ |without Host: nothing, promised`,
      },
      { in: "probes", line: "^GET /buildinfo without Host: no reply" },
    ],
    fix: "send `Host: localhost` with each request, as pvcurl does, or use a pantavisor with the Host header fix in ctrl/ctrl.c",
    source: WORKFLOW,
  },
  {
    id: "stale-storage",
    cause:
      "bad storage state: the export that brings container '{container}' was not deployed, since exports are deployed once per volume",
    shows: [
      {
        in: "probes",
        line: "^export (?<file>\\S+) brings container (?<container>\\S+), which is not there",
      },
    ],
    fix: "use a fresh storage volume: pvh down NAME; pvh up (or docker volume rm)",
    source: WORKFLOW,
  },
  {
    id: "stale-storage-late-export",
    cause: "bad storage state: the volume was used before, and {file} came later",
    shows: [
      { in: "failure", line: String.raw`volume was used before: .*, and (?<file>\S+) came later` },
    ],
    fix: "use a fresh storage volume: pvh down NAME; pvh up (or docker volume rm)",
    source: WORKFLOW,
  },
  {
    id: "interface-null",
    cause:
      "`interface: null` in the graph: the parser found no target in the requirement of {consumer} for {name}",
    shows: [
      {
        in: "graph",
        line: String.raw`"consumer":"(?<consumer>[^"]+)".*"name":"(?<name>[^"]+)".*"(?:interface|target)":null`,
      },
    ],
    fix: "name the path as `target` in run.json, or have the parser accept its aliases `interface` and `socket`",
    source: WORKFLOW,
  },
  {
    id: "pid-zero-unparsed",
    cause:
      "`consumer_pid: 0` in the graph although {consumer} runs: its pid is not parsed or not passed on",
    shows: [
      { in: "graph", line: String.raw`"consumer":"(?<consumer>[^"]+)","consumer_pid":(?:0|-1)\b` },
      { in: "containers", line: String.raw`"name":"{consumer}".*"status":"(?:STARTED|READY)"` },
    ],
    fix: "have pantavisor and pv-xconnect pass consumer_pid on (xconnect/main.c), then compare with lxc-info -n {consumer} -p",
    source: WORKFLOW,
  },
  {
    id: "pid-zero-not-started",
    cause: "`consumer_pid: 0` in the graph: {consumer} has not started ({status})",
    shows: [
      { in: "graph", line: String.raw`"consumer":"(?<consumer>[^"]+)","consumer_pid":(?:0|-1)\b` },
      {
        in: "containers",
        line: String.raw`"name":"{consumer}".*"status":"(?<status>INSTALLED|MOUNTED|BLOCKED|STARTING)","status_goal":"(?:STARTED|READY)"`,
      },
    ],
    fix: "read why it does not start: pvh logs NAME --container {consumer}",
    source: WORKFLOW,
  },
  {
    id: "provider-path",
    cause:
      "could not connect to the provider's socket: {path} was opened outside of the provider's root, where it is not",
    shows: [
      {
        in: "pantavisor.log",
        line: String.raw`(?:ENOENT|No such file).*\bopen '?(?<path>/(?!proc/)[^\s']+)`,
      },
      { in: "probes", line: "^provider socket {path} of \\S+: socket" },
    ],
    fix: "open it through the provider's root, /proc/PID/root{path}",
    source: WORKFLOW,
  },
  {
    id: "provider-path-told",
    cause: "pv-xconnect could not connect to the provider's socket: wrong namespace path",
    shows: [
      {
        in: ["pantavisor.log", "console", "failure"],
        line: "Could not connect to provider socket",
        during: "check",
      },
    ],
    fix: "open it through the provider's root, /proc/PID/root/…",
    source: WORKFLOW,
  },
  {
    id: "broken-pipe",
    cause: "broken pipe: the proxy closed the session before the answer was through",
    shows: [
      {
        in: ["console", "failure", "pantavisor.log"],
        from: String.raw`^(?:.*/)?(?<container>[^/]+)/lxc/console\.log$|^(?!.*/lxc/console\.log$)`,
        // A program whose own pipeline has ended fails on descriptor 1 or 2, which is no session.
        line: String.raw`^(?!.*\bwrite\([012],).*(?:[Bb]roken ?[Pp]ipe|\bEPIPE\b)`,
        during: "check",
      },
    ],
    // A broker of requests ends the connection of one that it refuses.
    unless: [
      {
        in: "graph",
        line: String.raw`(?=.*"type":"(?!unix")).*"(?:consumer|provider)":"{container}"`,
      },
    ],
    fix: "have the proxy pass on each half-close by itself, and end the session when both sides have ended (half-close handling in xconnect/plugins/unix.c)",
    source: WORKFLOW,
  },
  {
    id: "socket-not-injected",
    cause:
      "pv-xconnect does not inject: {target} is missing in {consumer}, although both peers run",
    shows: [{ in: "probes", line: "^target (?<target>\\S+) in (?<consumer>\\S+): missing" }],
    unless: [{ in: "daemons", line: String.raw`"name":"pv-xconnect","pid":(?:0|-1)\b` }],
    fix: "read the output of pv-xconnect: stdbuf -oL pv-xconnect in the appengine, or pvh logs NAME",
    source: WORKFLOW,
  },
  {
    id: "xconnect-buffered",
    cause: "no output from pv-xconnect although it runs: its stdout is buffered",
    shows: [
      { in: "daemons", line: String.raw`"name":"pv-xconnect","pid":[1-9]` },
      { in: "pantavisor.log", line: "status is now READY" },
    ],
    unless: [
      { in: "pantavisor.log", line: "pv-xconnect-out" },
      // In its first seconds it may have had nothing to print.
      { in: "processes", line: String.raw`^\s*\d+\s+\d+\s+\S+\s+[0-3]\s+\S*pv-xconnect\b` },
    ],
    fix: "run it with line-buffered output: stdbuf -oL pv-xconnect",
    source: WORKFLOW,
  },
);
