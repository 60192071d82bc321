import type { QuirkName } from "./names.ts";

/**
 * The profile `compat`: what the real 029-32 does where it departs from the promise, as far as
 * it was recorded (fixtures/captures) or measured (observed §2). Left out is what would end or
 * stall a test that only looks at formats (`long-path-crash`), and what is coarser than the real
 * thing: `inject-host-side` acts on every consumer, the real one only while it is not running.
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
  "start-error-silent",
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
