import type { QuirkName } from "./names.ts";

/**
 * The profile `compat`: deviations of the real 029-32 that were recorded (fixtures/captures) or
 * measured (docs/pantavisor.md). It leaves out `long-path-crash`, which would end or stall tests
 * that only look at formats, and quirks that are coarser than the real deviation:
 * `inject-host-side` acts on every consumer, 029-32 only on those that do not run.
 */
export const COMPAT: readonly QuirkName[] = [
  "host-foreign-closed",
  "garbage-html",
  "path-400",
  "method-400",
  "no-body-hang",
  "double-reply",
  "caller-unknown-500",
  "nobody-put-twice",
  "daemon-bad-action-200",
  "containers-fields-few",
  "graph-no-start",
  "graph-interface-type",
  "stop-blocks-ctrl",
  "stop-during-recovery-ignored",
  "ready-sticky",
  "stale-pid",
  "exit-zero-retried",
  "unless-stopped-reboots",
  "crash-reboots",
  "group-overrides-no",
  "rest-no-identity",
  "no-half-close",
  "unix-drop-fds",
  "graph-first-read-only",
  "poll-only",
  "link-never-removed",
  "target-null-path",
  "dbus-bare-auth",
  "dbus-second-auth",
  "dbus-no-filter",
];
