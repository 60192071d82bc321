/** Whose fault an error is. */
export type ErrorClass = "product" | "scenario" | "infra" | "harness" | "usage";

/** Documented in docs/errors.md, which a test compares with this table. */
export const ERROR_CODES = {
  PVH_USAGE: { class: "usage", means: "the command line or a named file is wrong" },
  PVH_BAD_EXPORT: { class: "usage", means: "an export cannot be read or is unsafe" },
  PVH_BAD_IMAGE: {
    class: "usage",
    means: "a file is no image that the engine can load, or an image cannot start as an appengine",
  },
  PVH_BAD_SCENARIO: {
    class: "usage",
    means: "a scenario file or a row of the catalogue is wrong",
  },
  PVH_BAD_TEST: {
    class: "usage",
    means: "a directory of Pantavisor's own tests is wrong",
  },
  PVH_IMAGE_MISSING: { class: "infra", means: "the image is not on the engine" },
  PVH_ENGINE_UNREACHABLE: { class: "infra", means: "no Docker engine answers" },
  PVH_ENGINE_SILENT: {
    class: "infra",
    means: "a service accepts connections but does not answer as a Docker engine",
  },
  PVH_ENGINE_TOO_OLD: { class: "infra", means: "the engine's API is older than pvh needs" },
  PVH_ENGINE: { class: "infra", means: "the engine refused or failed a request" },
  PVH_NAME_IN_USE: { class: "infra", means: "another container has the name" },
  PVH_APPENGINE_LOST: {
    class: "infra",
    means: "somebody else removed, stopped or paused an appengine, or the engine lost it",
  },
  PVH_OUT_OF_MEMORY: { class: "infra", means: "the OOM killer ended an appengine" },
  PVH_NO_SPACE: { class: "infra", means: "a disk is full or missing" },
  PVH_NO_ACCESS: {
    class: "infra",
    means: "a file or folder may not be written to, or the engine not be used",
  },
  PVH_BUILD: { class: "infra", means: "the reference image cannot be made" },
  PVH_CAPABILITY: { class: "infra", means: "this machine lacks something a scenario requires" },
  PVH_PREPARE: { class: "infra", means: "image or exports could not be made ready" },
  PVH_WORKER: { class: "infra", means: "the process of a scenario was killed from outside" },
  PVH_STARVED: { class: "infra", means: "the machine gave a wait too little time to judge it" },
  PVH_NO_CONTAINER: { class: "scenario", means: "a check enters a container that does not exist" },
  PVH_NO_PROGRAM: { class: "scenario", means: "a program that a check needs cannot be started" },
  PVH_CONTAINER_DOWN: { class: "product", means: "a container that is entered does not run" },
  PVH_COMMAND: { class: "product", means: "a program that a check runs in a container failed" },
  PVH_TOO_MUCH: { class: "product", means: "the thing under test sends more than pvh reads" },
  PVH_NEVER_READY: {
    class: "product",
    means: "the appengine did not reach READY; the message says why",
  },
  PVH_KAS_BUILD: {
    class: "product",
    means: "a build of a checkout with kas failed; the message is bitbake's own",
  },
  PVH_TIMEOUT: { class: "product", means: "something expected did not happen before its deadline" },
  PVH_WATCH: {
    class: "product",
    means: "a watcher saw a leak, a lag or an ERROR line that nobody expected",
  },
  PVH_CONTROL: { class: "product", means: "pv-ctrl gave no valid answer" },
  PVH_SCENARIO: { class: "scenario", means: "a mistake in a scenario's own code" },
  PVH_ORDER: {
    class: "scenario",
    means: "a check failed after other scenarios, and passes on an appengine of its own",
  },
  PVH_DEADLINE: {
    class: "scenario",
    means: "a scenario was stopped from outside, long after its deadline",
  },
  PVH_VERDICT: {
    class: "harness",
    means: "the record and the test framework disagree, or say nothing",
  },
  PVH_ABORTED: { class: "harness", means: "the run was cancelled" },
  PVH_INTERNAL: { class: "harness", means: "a bug in pvh" },
} as const satisfies Record<string, { class: ErrorClass; means: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;
