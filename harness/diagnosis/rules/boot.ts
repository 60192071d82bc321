import { defineRules } from "../rule.ts";

/** Causes of a boot that does not come to READY, or that comes to it again and again. */
export const bootRules = defineRules(
  {
    id: "required-service-missing",
    cause:
      "required service '{service}' of container '{container}' is provided by no container; the revision is torn down and started again",
    shows: [
      {
        in: ["pantavisor.log", "failure"],
        line: String.raw`required service '(?<service>[^']+)' (?:for platform|of container) '(?<container>[^']+)' (?:not found|is provided by no)`,
        during: "check",
      },
    ],
    fix: "deploy a container whose services.json exports '{service}', with services.json behind run.json in the export: pvh exports lint",
    source: "docs/pantavisor.md §4.4, §1.2",
  },
  {
    id: "export-refused",
    cause: "an export cannot be added: {why}",
    shows: [
      {
        in: ["boot.log", "failure"],
        line: String.raw`export (?<why>\S+ cannot be added: .{1,300})`,
      },
    ],
    fix: "check the export: pvh exports lint FILE",
    source: "docs/pantavisor.md §2.2",
  },
  {
    id: "program-missing",
    cause: "container '{container}' cannot start its program: {why}",
    shows: [
      {
        in: ["lxc.log", "failure"],
        line: String.raw`(?:^lxc-start |container ')(?<container>[^\s']+)(?: \S+ ERROR .* - |' cannot start its program: )(?<why>[^-]{1,200} - Failed to exec ".{1,300}?")`,
      },
    ],
    fix: "name a program that its root file system has, by its absolute path: `entrypoint` in container.json, lxc.init.cmd in lxc.container.conf",
    source: "docs/pantavisor.md §1.5",
  },
  {
    id: "ready-not-signalled",
    cause:
      "container '{container}' runs, and has not said that it is ready: its goal is READY, which only its own signal reaches",
    shows: [
      { in: "failure", line: "^boot stopped at stage 'ready': waited " },
      {
        in: "containers",
        line: String.raw`"name":"(?<container>[^"]+)".*"status":"STARTED","status_goal":"READY"`,
      },
    ],
    fix: "see what its program does: pvh logs NAME --container {container}; or leave PV_STATUS_GOAL out of its args.json",
    source: "docs/pantavisor.md §3.3",
  },
  {
    id: "container-crash-reboots",
    cause:
      "container '{container}' stopped by itself ({how}), and its policy makes that a reboot of the appengine",
    shows: [
      {
        in: "pantavisor.log",
        line: String.raw`platform '(?<container>[^']+)' suddenly stopped \((?<how>[^)]+)\)`,
      },
      { in: "boot.log", line: "launching pantavisor", least: 2 },
    ],
    // Then its recovery has ended in the reboot, and not the lack of one.
    unless: [{ in: "pantavisor.log", line: "platform '{container}' .{0,80}reached max retries" }],
    fix: "give it an auto_recovery policy in run.json, or find why it ends: pvh logs NAME --container {container}",
    source: "docs/pantavisor.md §4.5, §5.3",
  },
  {
    id: "pantavisor-crashed",
    cause: "pantavisor was ended by signal {signal}, and pv-appengine started it again",
    shows: [
      {
        in: "boot.log",
        line: String.raw`pantavisor (?:crashed \(|was ended by )signal (?<signal>\w+)`,
      },
    ],
    fix: "find the request or the container before it in pantavisor.log; a request target of 9,000 bytes ends 029-32",
    source: "docs/pantavisor.md §3.1, §2.3",
  },
  {
    id: "reboot-loop",
    cause: "reboot loop: pv-appengine has started revision {revision} three times or more",
    shows: [
      { in: "boot.log", line: String.raw`launching pantavisor rev=(?<revision>\S+)` },
      { in: "boot.log", line: "launching pantavisor rev={revision}$", least: 3 },
    ],
    fix: "read the last ERROR before each start in pantavisor.log: pvh logs NAME",
    source: "docs/pantavisor.md §2.3",
  },
  {
    id: "loop-devices",
    cause: "volumes cannot be mounted: the appengine has no loop device ({line})",
    shows: [
      {
        in: ["pantavisor.log", "boot.log"],
        line: String.raw`(?<line>(?:cannot make|open|no free|could not).{0,80}(?:/dev/loop|loop device|loop-control).{0,80})`,
      },
    ],
    fix: "give the container /dev/loop-control (character device 10:237) and device rule a *:* rwm: pvh up --print",
    source: "docs/pantavisor.md §2.7",
  },
  {
    id: "cgroup-namespace",
    cause:
      "pv-ctrl does not know its callers (500, unknown caller): the engine gave the host's cgroup namespace, or the caller is in a cgroup of its own",
    shows: [
      {
        in: ["failure", "console", "pantavisor.log", "probes"],
        line: String.raw`500.{0,120}Internal Error|Internal error, unknown caller`,
      },
    ],
    fix: "run the appengine with --cgroupns private: pvh up --print",
    source: "docs/pantavisor.md §2.7, §3.2",
  },
  {
    id: "export-unprivileged-role",
    cause: "a container without the role mgmt has called pv-ctrl, and was refused with 403",
    shows: [
      {
        in: ["console", "failure"],
        line: String.raw`Request not sent from (?:a )?mgmt platform`,
        during: "check",
      },
    ],
    fix: "give the container the role mgmt in run.json, or do not call pv-ctrl from it",
    source: "docs/pantavisor.md §3.2",
  },
  {
    id: "ipam-pool",
    cause: "the network of a container names pool '{pool}', which the device does not have",
    shows: [
      {
        in: "pantavisor.log",
        line: String.raw`(?:unknown|no such) pool '?(?<pool>[\w.-]+)'?|pool '?(?<pool2>[\w.-]+)'? (?:not found|does not exist)`,
      },
    ],
    fix: "add the pool to device.json, or take it out of PV_NETWORK_POOL",
    source: "Pantavisor's test plan of IPAM, case 7",
  },
  {
    id: "ipam-static-address",
    cause:
      "a static address could not be reserved again after a restart, and the revision was torn down",
    shows: [
      {
        in: "pantavisor.log",
        line: String.raw`(?:address|IP) \S+ (?:is )?already (?:reserved|in use|allocated)`,
      },
    ],
    fix: "leave the address to the pool, or restart the revision instead of the container",
    source: "Pantavisor's test plan of IPAM, case 9",
  },
  {
    id: "engine-killed",
    cause:
      "the appengine was killed after the grace period: docker stop does not reach pantavisor behind this entry point",
    shows: [{ in: "failure", line: String.raw`exit code of the appengine after docker stop: 137` }],
    fix: 'end it by POST /commands {"op":"POWEROFF_DEVICE","payload":""}, or have the entry point pass SIGTERM on',
    source: "docs/pantavisor.md §2.8",
  },
);
