import { defineRules } from "../rule.ts";

/** pv-xconnect does not run: no link works, whatever else is wrong with it. */
export const brokerRules = defineRules(
  {
    id: "xconnect-stopped",
    cause: "pv-xconnect does not run, so no link works (respawn {respawn})",
    shows: [
      {
        in: "daemons",
        line: String.raw`"name":"pv-xconnect","pid":(?:0|-1),"respawn":(?<respawn>\w+)`,
      },
    ],
    fix: 'start it: pvh ctl PUT /daemons/pv-xconnect --data \'{"action":"start"}\'',
    source: "docs/pantavisor.md §3.5",
  },
  {
    id: "xconnect-respawning",
    cause:
      "pv-xconnect is being started again: pid {pid}, which /daemons names for it, is its `sleep 5`",
    shows: [
      { in: "daemons", line: String.raw`"name":"pv-xconnect","pid":(?<pid>[1-9]\d*)` },
      { in: "processes", line: String.raw`^\s*{pid}\s.*\bsleep 5\b` },
    ],
    fix: "wait 5 to 10 s for the links, and find why it ended: pvh logs NAME",
    source: "docs/pantavisor.md §3.5",
  },
);

/** Causes in pv-xconnect, its links and the graph. */
export const linkRules = defineRules(
  {
    id: "graph-unparsed",
    cause:
      "pv-xconnect cannot parse the graph: it reads the beginning of the reply only, and the graph is larger",
    shows: [{ in: "pantavisor.log", line: "Failed to parse graph JSON" }],
    fix: "have fewer links (30 work), or run the reference's broker: --broker reference",
    source: "docs/pantavisor.md §6.1",
  },
  {
    id: "xconnect-without-control",
    cause: "pv-xconnect has not reached pv-ctrl",
    shows: [{ in: "pantavisor.log", line: "Failed to initiate connection to pv-ctrl" }],
    unless: [
      {
        in: "pantavisor.log",
        line: "Connected to pv-ctrl|Link established|Reconciling graph|/xconnect-graph",
      },
    ],
    fix: "see whether pv-ctrl answers: pvh ctl GET /xconnect-graph",
    source: "docs/pantavisor.md §6.2",
  },
  {
    id: "provider-not-listening",
    cause: "the provider {provider} has no socket at {path}: it does not listen yet, or elsewhere",
    shows: [
      { in: "probes", line: "^provider socket (?<path>\\S+) of (?<provider>\\S+): missing" },
      {
        in: ["failure", "console"],
        line: String.raw`[Cc]onnection (?:refused|reset)|ECONNRE(?:FUSED|SET)|socket to be usable`,
        during: "check",
      },
    ],
    fix: "see what it does: pvh logs NAME --container {provider}; the path is `socket` in its services.json",
    source: "docs/pantavisor.md §1.4, §6.4",
  },
  {
    id: "target-null",
    cause:
      "a socket was planted at /null in {consumer}: the requirement has no target, and the broker read null as a name",
    shows: [{ in: "probes", line: "^/null in (?<consumer>\\S+): there" }],
    fix: "give the requirement a `target`",
    source: "docs/pantavisor.md §6.2",
  },
  {
    id: "host-side-target",
    cause:
      "a consumer's target is in the appengine's own file system ({target}): it was planted before {consumer} had started",
    shows: [
      {
        in: "probes",
        line: "^target (?<target>\\S+) of (?<consumer>\\S+) in the appengine: socket",
      },
    ],
    fix: "remove it, and have the broker wait for a pid: --broker reference",
    source: "docs/pantavisor.md §6.2",
  },
  {
    id: "provider-flaps",
    cause:
      "two containers, {provider} and {other}, provide '{name}', and the link of {consumer} changes between them",
    shows: [
      {
        in: "graph",
        line: String.raw`"consumer":"(?<consumer>[^"]+)".*"provider":"(?<provider>[^"]+)".*"name":"(?<name>[^"]+)"`,
      },
      {
        in: "graph",
        line: String.raw`"consumer":"{consumer}".*"provider":"(?!{provider}")(?<other>[^"]+)".*"name":"{name}"`,
      },
    ],
    fix: "deploy one of them, or name the provider in the requirement (`provider`)",
    source: "docs/pantavisor.md §6.1",
  },
  {
    id: "path-too-long",
    cause:
      "the path of a socket is longer than sun_path holds with /proc/PID/root before it, and is cut: {path}",
    shows: [{ in: "graph", line: String.raw`"(?:socket|target)":"(?<path>/[^"]{91,})"` }],
    fix: "use a path of at most 90 bytes",
    source: "docs/pantavisor.md §6.3",
  },
  {
    id: "descriptors-exhausted",
    cause: "the broker has no descriptors left",
    shows: [
      { in: ["pantavisor.log", "failure"], line: "Too many open files|EMFILE", during: "check" },
    ],
    fix: "find the consumer that opens sessions without end: pvh graph NAME; raise ulimit -n",
    source: "docs/pantavisor.md §6.4",
  },
  {
    id: "eof-held-back",
    cause: "the broker holds an EOF back until both sides have ended, or for 60 s",
    shows: [
      {
        in: "failure",
        line: String.raw`EOF.*\bquick: false\b|waited .* for .*\bEOF\b|\bEOF\b[^:]*: nothing, promised`,
      },
    ],
    fix: "read by length instead of until EOF, or run the reference's broker: --broker reference",
    source: "docs/pantavisor.md §6.4",
  },
  {
    id: "stale-pids",
    cause:
      "the graph has pid {pid} for {consumer}, which does not run: a stopped container keeps its pid",
    shows: [
      { in: "containers", line: String.raw`"name":"(?<consumer>[^"]+)".*"status":"STOPPED"` },
      { in: "graph", line: String.raw`"consumer":"{consumer}","consumer_pid":(?<pid>[1-9]\d*)` },
    ],
    fix: "look at /containers before a pid of the graph is used",
    source: "docs/pantavisor.md §4.1, §6.1",
  },
  {
    id: "device-denied",
    cause: "the device cgroup of {consumer} denies its node",
    shows: [
      { in: "pantavisor.log", line: String.raw`(?<consumer>[\w.-]+)/\S+: .*device cgroup denies` },
    ],
    fix: "allow the device in lxc.container.conf: lxc.cgroup2.devices.allow = c 226:* rw",
    source: "docs/plugins/drm.md",
  },
  {
    id: "fds-dropped",
    cause: "the broker drops file descriptors, and passes the bytes beside them on",
    shows: [
      {
        in: "failure",
        line: String.raw`^(?:bytes and fds that|texts read from fds|content (?:and seal )?of the (?:memfd|dmabuf))`,
      },
    ],
    fix: "list the types of the fds in both manifests (`fds`), or run the reference's broker: --broker reference",
    source: "docs/pantavisor.md §6.4",
  },
  {
    id: "broker-memory",
    cause: "the broker grows with what a slow reader does not take",
    shows: [
      {
        in: "failure",
        line: String.raw`bytes by which the broker's memory grew|memory of pv-xconnect`,
      },
    ],
    fix: "have the consumer read, or run the reference's broker: --broker reference",
    source: "docs/pantavisor.md §6.4",
  },
);
