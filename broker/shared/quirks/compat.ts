import type { QuirkName } from "./names.ts";

/**
 * The profile `compat`: how the real 029-32 departs from the promises, as far as that was recorded
 * (fixtures/captures), measured or read (docs/pantavisor.md). fixtures/catalogue.json says for each
 * check whether it fails on 029-32 (`real`), by which fact, and by which of these quirks.
 */
export const COMPAT: readonly QuirkName[] = [
  // The appengine and pv-ctrl
  "stop-ignored",
  "host-foreign-closed",
  "garbage-html",
  "tls-unanswered",
  "path-400",
  "method-400",
  "no-body-hang",
  "double-reply",
  "long-path-crash",
  "caller-unknown-500",
  "cgroup-caller-unknown",
  "nobody-put-twice",
  "daemon-bad-action-200",
  "daemon-sleeps-first",
  "meta-bad-key-200",
  "step-unvalidated",
  "run-refusal-200",
  "containers-fields-few",
  "pvcontrol-plural-only",
  "pvcurl-mixes",
  // Containers
  "stop-blocks-ctrl",
  "stop-during-recovery-ignored",
  "ready-sticky",
  "exit-zero-retried",
  "unless-stopped-reboots",
  "crash-reboots",
  "group-overrides-no",
  // The graph
  "graph-no-start",
  "graph-interface-type",
  "graph-all-providers",
  "stale-pid",
  "manifest-strings-refused",
  "target-alias-null",
  "services-order",
  "provider-ignored",
  "type-ignored",
  // The broker
  "graph-first-read-only",
  "poll-only",
  "link-never-removed",
  "target-null-path",
  "inject-early",
  "symlink-follow",
  "path-truncated",
  "socket-not-replanted",
  "second-broker-wipes",
  "provider-not-awaited",
  "no-half-close",
  "unbounded-buffer",
  "end-drops-held",
  "small-backlog",
  "unix-drop-fds",
  "unix-options-ignored",
  "rest-as-bytes",
  "dbus-first-line-only",
  "drm-role-ignored",
  "drm-any-major",
];
