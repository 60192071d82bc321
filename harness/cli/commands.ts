import { inSteps } from "./in-steps.ts";
import type { Command } from "./command.ts";
import {
  BISECT_OPTIONS,
  BOOT_OPTION,
  BROKER_OPTION,
  CONFORMANCE_OPTIONS,
  IMAGE_OPTION,
  IMPORT_OPTIONS,
  JSON_OPTION,
  LIMIT_OPTION,
  PROFILE_OPTION,
  QUIRK_OPTION,
  RUN_OPTIONS,
  TIMEOUT_SCALE_OPTION,
  WATCH_OPTIONS,
} from "./options.ts";

const FILTER = {
  name: "[filter...]",
  summary: "names, globs, @tag, type:dbus, check:unix.*, not, and, or, ( )",
};
const HELD = { name: "[name]", summary: "a held appengine (default: the only one)" };
const HELD_OPTION = { flags: "--name <name>", summary: "a held appengine (default: the only one)" };

/** Every command of pvh; each has a file of its own, which is loaded when it is called. */
export const COMMANDS: readonly Command[] = [
  {
    name: "ls",
    summary: "list scenarios (pvh alone does too)",
    args: [FILTER],
    options: [JSON_OPTION],
    run: async (call) => (await import("./ls.ts")).lsCommand(call),
  },
  {
    name: "scenario",
    summary: "run scenarios by name",
    args: [{ name: "<name...>", summary: "names, as pvh ls lists them" }],
    options: RUN_OPTIONS,
    leavesRun: true,
    run: async (call) =>
      (await inSteps(call.signal, () => import("./scenario.ts"))).scenarioCommand(call),
  },
  {
    name: "run",
    summary: "run a selection; without a filter the full matrix",
    args: [FILTER],
    options: [
      ...RUN_OPTIONS,
      { flags: "--last-failed", summary: "only what failed in the last run" },
    ],
    leavesRun: true,
    run: async (call) => (await inSteps(call.signal, () => import("./run.ts"))).runCommand(call),
  },
  {
    name: "merge",
    summary: "make one run, with its reports and exit code, of the parts that --shard made",
    args: [{ name: "<run...>", summary: "folders of the runs, or artifacts that hold them" }],
    options: [{ flags: "--junit <file>", summary: "also write junit.xml to this file" }],
    leavesRun: true,
    run: async (call) => (await import("./merge.ts")).mergeCommand(call),
  },
  {
    name: "ci-cache",
    summary: "what a CI may keep between jobs: the key of the cache, or its paths",
    args: [{ name: "<what>", summary: "key, prefix (of the keys of former caches) or paths" }],
    run: async (call) => (await import("./ci-cache.ts")).ciCacheCommand(call),
  },
  {
    name: "init",
    summary: "write a small project that works: containers, a scenario, a configuration, CI",
    run: async (call) => (await import("./init.ts")).initCommand(call),
  },
  {
    name: "new",
    summary: "begin a scenario or a container",
    commands: [
      {
        name: "scenario",
        summary: "write scenarios/NAME.scenario.ts, for the project's containers",
        args: [{ name: "<name>", summary: "name of the scenario" }],
        run: async (call) => (await import("./new-scenario.ts")).newScenarioCommand(call),
      },
      {
        name: "container",
        summary: "write containers/NAME",
        args: [{ name: "<name>", summary: "name of the container" }],
        run: async (call) => (await import("./new-container.ts")).newContainerCommand(call),
      },
    ],
  },
  {
    name: "watch",
    summary: "run scenarios again whenever a file changes, on appengines that stay",
    args: [{ name: "<name...>", summary: "names, as pvh ls lists them" }],
    options: WATCH_OPTIONS,
    run: async (call) =>
      (await inSteps(call.signal, () => import("./watch.ts"))).watchCommand(call),
  },
  {
    name: "mutants",
    summary: "run each check under the quirk of its row: it must turn red",
    args: [FILTER],
    options: [
      {
        flags: "--whole-scenarios",
        summary: "boot for each quirk, and run every check of the scenarios under it",
      },
      {
        flags: "--changed [commit]",
        summary: "only what has changed since the commit (default: since the branch began)",
      },
      { flags: "--quick <seed>", summary: "only a tenth of the quirks, which the seed draws" },
      { flags: "--draw <n>", summary: "with --quick: this number of quirks instead of a tenth" },
      {
        flags: "--blocks",
        summary: "print of each quirk the first lines of the failure, with evidence and diagnosis",
      },
      {
        flags: "--jobs <n>",
        summary: "scenarios or quirks at a time (default: two for each core, at most 8)",
      },
      TIMEOUT_SCALE_OPTION,
      JSON_OPTION,
    ],
    leavesRun: true,
    run: async (call) =>
      (await inSteps(call.signal, () => import("./mutants.ts"))).mutantsCommand(call),
  },
  {
    name: "compare",
    summary: "what one run judges otherwise than another; exit 1 for what is worse",
    args: [
      { name: "<before>", summary: "folder of a run, its summary.json, or its name" },
      { name: "<after>", summary: "the run to be looked at, for example latest" },
    ],
    options: [JSON_OPTION],
    run: async (call) => (await import("./compare.ts")).compareCommand(call),
  },
  {
    name: "report",
    summary: "a report of a run, made from its record",
    args: [{ name: "[run]", summary: "folder of a run, or its name (default: latest)" }],
    options: [
      {
        flags: "--format <name>",
        summary: "text (default), html, junit, markdown, github, tap, ctrf or perfetto",
      },
      { flags: "--output <file>", summary: "write it there instead of to stdout" },
      { flags: "--exit-code", summary: "end with the exit code of the run" },
    ],
    run: async (call) => (await import("./report.ts")).reportCommand(call),
  },
  {
    name: "runs",
    summary: "list the runs of this folder, the newest first",
    options: [{ flags: "--prune <n>", summary: "remove all but the newest n first" }, JSON_OPTION],
    run: async (call) => (await import("./runs.ts")).runsCommand(call),
  },
  {
    name: "conformance",
    summary: "how an image stands to each promise, beside the reference or another image",
    args: [FILTER],
    options: CONFORMANCE_OPTIONS,
    leavesRun: true,
    run: async (call) =>
      (await inSteps(call.signal, () => import("./conformance.ts"))).conformanceCommand(call),
  },
  {
    name: "bisect",
    summary: "find the first of a list of images on which a scenario fails",
    args: [{ name: "<name>", summary: "a scenario, as pvh ls lists it" }],
    options: BISECT_OPTIONS,
    leavesRun: true,
    run: async (call) =>
      (await inSteps(call.signal, () => import("./bisect.ts"))).bisectCommand(call),
  },
  {
    name: "coverage",
    summary: "the promises of the catalogue and the scenarios that check them",
    options: [JSON_OPTION, { flags: "--markdown", summary: "print the table of docs/coverage.md" }],
    run: async (call) => (await import("./coverage.ts")).coverageCommand(call),
  },
  {
    name: "bench",
    summary: "measure the broker beside a direct connection and the proxies installed here",
    options: [
      { flags: "--rounds <n>", summary: "interleaved rounds (default: 7)" },
      { flags: "--quick", summary: "3 rounds of short loads: a first impression" },
      { flags: "--check", summary: "exit 1 when the broker misses a threshold" },
      {
        flags: "--appengine",
        summary: "measure instead how fast the reference appengine boots, stops and answers",
      },
      { flags: "--wasm", summary: "measure instead what guests of WebAssembly cost" },
      {
        flags: "--harness",
        summary: "measure instead how long pvh itself takes, beside an idle container",
      },
      { flags: "--full", summary: "with --harness: the whole matrix and all mutants too" },
      { flags: "--soak <n>", summary: "run instead the robustness tests, n times as long" },
      JSON_OPTION,
    ],
    run: async (call) => (await import("./bench.ts")).benchCommand(call),
  },
  {
    name: "build",
    summary: "make the reference appengine's image, or with --kas that of a checkout",
    options: [
      {
        flags: "--kas <dir>",
        summary: "build this checkout of meta-pantavisor with kas-container",
      },
      { flags: "--machine <name>", summary: "with --kas: machine (default: docker-x86_64)" },
      {
        flags: "--target <recipe>",
        summary: "with --kas: recipe to build (default: those of the configuration)",
        many: true,
      },
      { flags: "--workspace", summary: "with --kas: with the sources in build/workspace" },
      { flags: "--bare", summary: "with busybox in place of Debian's tools, as published images" },
      PROFILE_OPTION,
      { flags: "--output <file>", summary: "write it there too, as docker save does" },
      JSON_OPTION,
    ],
    run: async (call) => (await import("./build.ts")).buildCommand(call),
  },
  {
    name: "load",
    summary: "load an image that docker save or a Yocto build wrote",
    args: [{ name: "<tarball>", summary: "plain or gzipped" }],
    options: [JSON_OPTION],
    run: async (call) => (await import("./load.ts")).loadCommand(call),
  },
  {
    name: "import",
    summary: "run Pantavisor's own tests: directories of pv-test@1, each on an appengine",
    args: [{ name: "<dir...>", summary: "directories with a test.json, or folders of them" }],
    options: IMPORT_OPTIONS,
    leavesRun: true,
    run: async (call) => (await import("./import.ts")).importCommand(call),
  },
  {
    name: "layer",
    summary: "check a checkout of meta-pantavisor against the rows layer.* of the catalogue",
    args: [{ name: "<dir>", summary: "the checkout; nothing in it is run" }],
    options: [
      {
        flags: "--log <file>",
        summary: "log of a build of it: a known error is named",
        many: true,
      },
      JSON_OPTION,
    ],
    run: async (call) => (await import("./layer.ts")).layerCommand(call),
  },
  {
    name: "exports",
    summary: "make and check pvrexports",
    commands: [
      {
        name: "make",
        summary: "make exports from examples or folders",
        args: [{ name: "<what...>", summary: "example names, or folders laid out like them" }],
        options: [
          { flags: "--out <dir>", summary: "folder to put them in (default: .)" },
          JSON_OPTION,
        ],
        run: async (call) => (await import("./exports-make.ts")).exportsMakeCommand(call),
      },
      {
        name: "lint",
        summary: "check exports",
        args: [{ name: "<path...>", summary: "exports, folders or example names" }],
        options: [JSON_OPTION],
        run: async (call) => (await import("./exports-lint.ts")).exportsLintCommand(call),
      },
    ],
  },
  {
    name: "up",
    summary: "boot an appengine and leave it running",
    args: [{ name: "[name]", summary: "name of its container" }],
    options: [
      {
        flags: "--with <export>",
        summary: "container by its name, path of its folder or of an export",
        many: true,
      },
      {
        flags: "--scenario <name>",
        summary: "boot what this scenario boots: containers, environment, mode",
      },
      { flags: "--env <variable>", summary: "NAME=VALUE for the appengine", many: true },
      { flags: "--cmdline <words>", summary: "appended to pantavisor's command line" },
      { flags: "--device-json <file>", summary: "groups, disks and network pools of the device" },
      IMAGE_OPTION,
      BROKER_OPTION,
      BOOT_OPTION,
      PROFILE_OPTION,
      QUIRK_OPTION,
      { flags: "--time-scale <x>", summary: "divide every wait of the reference by this" },
      TIMEOUT_SCALE_OPTION,
      LIMIT_OPTION,
      { flags: "--print", summary: "print the docker commands that boot it, and boot nothing" },
      JSON_OPTION,
    ],
    run: async (call) => (await import("./up.ts")).upCommand(call),
  },
  {
    name: "down",
    summary: "remove a held appengine",
    args: [HELD],
    options: [
      { flags: "--all", summary: "remove all held appengines, and what killed runs left" },
      { flags: "--force", summary: "also remove those that other runs use" },
    ],
    run: async (call) => (await import("./down.ts")).downCommand(call),
  },
  {
    name: "ps",
    summary: "list appengines",
    options: [JSON_OPTION],
    run: async (call) => (await import("./ps.ts")).psCommand(call),
  },
  {
    name: "logs",
    summary: "print pantavisor.log, a container's console, or with -f all logs as they grow",
    args: [HELD],
    options: [
      {
        flags: "--container <name>",
        summary: "console of this container; pantavisor: its own log",
      },
      { flags: "-f, --follow", summary: "keep printing; without --container all logs, merged" },
      JSON_OPTION,
    ],
    run: async (call) => (await import("./logs.ts")).logsCommand(call),
  },
  {
    name: "enter",
    summary: "a shell on this terminal, in a container of a held appengine",
    args: [
      { name: "[name]", summary: "a held appengine (default: the only one)" },
      { name: "[container]", summary: "its container (default: the appengine itself)" },
    ],
    run: async (call) => (await import("./enter.ts")).enterCommand(call),
  },
  {
    name: "exec",
    summary: "run a command in a container of a held appengine",
    args: [
      { name: "<container>", summary: "its name; - for the appengine itself" },
      { name: "<command...>", summary: "the command, after -- where it has options" },
    ],
    options: [HELD_OPTION],
    run: async (call) => (await import("./exec.ts")).execCommand(call),
  },
  {
    name: "ctl",
    summary: "send one request to pv-ctrl",
    args: [
      { name: "<method>", summary: "GET, PUT, POST or DELETE" },
      { name: "<path>", summary: "for example /containers" },
    ],
    options: [HELD_OPTION, { flags: "--data <text>", summary: "body of the request" }],
    run: async (call) => (await import("./ctl.ts")).ctlCommand(call),
  },
  {
    name: "graph",
    summary: "show the service mesh and the state of its links",
    args: [HELD],
    options: [
      {
        flags: "--ctrl <socket>",
        summary: "pv-ctrl socket on this machine (pvh broker), instead of an appengine",
      },
      { flags: "--watch", summary: "show it again whenever it changes, until Ctrl+C" },
      JSON_OPTION,
    ],
    run: async (call) => (await import("./graph.ts")).graphCommand(call),
  },
  {
    name: "broker",
    summary: "run the reference broker alone on this machine, until Ctrl+C",
    options: [
      { flags: "--ctrl <socket>", summary: "the pv-ctrl socket that serves the graph" },
      QUIRK_OPTION,
    ],
    run: async (call) => (await import("./broker.ts")).brokerCommand(call),
  },
  {
    name: "diagnose",
    summary: "known causes in the evidence of a held appengine, or in a folder of logs",
    args: [{ name: "[name]", summary: "a held appengine (default: the only one), or a folder" }],
    options: [JSON_OPTION],
    run: async (call) => (await import("./diagnose.ts")).diagnoseCommand(call),
  },
  {
    name: "quirks",
    summary: "the deviations of the reference, and the checks that each turns red",
    args: [{ name: "[word...]", summary: "words of a name, a deviation or a check" }],
    options: [JSON_OPTION],
    run: async (call) => (await import("./quirks.ts")).quirksCommand(call),
  },
  {
    name: "completion",
    summary: "a script that completes commands and options in a shell",
    args: [{ name: "<shell>", summary: "bash, zsh or fish" }],
    run: async (call) => (await import("./completion.ts")).completionCommand(call),
  },
  {
    name: "doctor",
    summary: "check what this machine offers and lacks",
    options: [JSON_OPTION],
    run: async (call) => (await import("./doctor.ts")).doctorCommand(call),
  },
  {
    name: "engine",
    summary: "start or stop the private Docker engine, or show which engine pvh uses",
    args: [{ name: "<action>", summary: "start, stop or status" }],
    options: [
      { flags: "--force", summary: "with stop: also while another pvh works on it" },
      JSON_OPTION,
    ],
    run: async (call) => (await import("./engine.ts")).engineCommand(call),
  },
];
