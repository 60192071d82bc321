import { defineRules } from "../rule.ts";

/** Causes in D-Bus and REST links, and in calls of pv-ctrl. */
export const serviceRules = defineRules(
  {
    id: "dbus-rejected",
    cause:
      "the provider's bus rejects the broker's login: the uid that the broker sends is not the one of its socket, which is root's",
    shows: [
      {
        in: ["console", "failure"],
        line: String.raw`REJECTED EXTERNAL|Failed to open connection to system message bus: Did not receive a reply`,
        during: "check",
      },
    ],
    fix: "give the consumer the role root, or run the reference's broker: --broker reference",
    source: "docs/pantavisor.md §6.5",
  },
  {
    id: "dbus-root",
    cause: "the broker logs a consumer of another role in as root",
    shows: [{ in: "failure", line: String.raw`uid of .*: 0 \(root\), promised (?!0\b)\d+` }],
    fix: "do not rely on roles over D-Bus with this broker; the reference's keeps them: --broker reference",
    source: "docs/pantavisor.md §6.5",
  },
  {
    id: "rest-without-identity",
    cause: "REST requests reach the provider without X-PV-Client and X-PV-Role",
    shows: [
      {
        in: ["failure", "console"],
        line: String.raw`["']?role["']?: ?["']unknown["']`,
        during: "check",
      },
    ],
    fix: "run the reference's broker: --broker reference",
    source: "docs/pantavisor.md §6.4",
  },
  {
    id: "put-without-body",
    cause: "pv-ctrl never answers a PUT without a body",
    shows: [
      {
        in: "failure",
        line: String.raw`PUT \S+ ?(?:without a body)?.*(?:no answer in time|no reply)|status of a PUT without a body`,
      },
    ],
    fix: 'send a body, as {"action":"stop"}, with its Content-Length',
    source: "docs/pantavisor.md §3.1",
  },
  {
    id: "foreign-host",
    cause: "pv-ctrl closes a connection with a Host other than localhost without a reply",
    shows: [{ in: "failure", line: String.raw`to Host [^:]+: (?:"", |undefined)` }],
    fix: "send `Host: localhost`",
    source: "docs/pantavisor.md §3.1",
  },
  {
    id: "unexpected-signal",
    cause: "pv-ctrl did not expect the signal of this container: its status_goal is not READY",
    shows: [
      {
        in: ["console", "failure"],
        line: "Signal not expected from this platform",
        during: "check",
      },
    ],
    fix: "give the container PV_STATUS_GOAL READY, or do not send the signal",
    source: "docs/pantavisor.md §3.3",
  },
  {
    id: "pvcurl-mixed",
    cause: "calls of pvcurl that run at once share their files in /tmp, and mix",
    shows: [{ in: "failure", line: "parallel pvcurl" }],
    fix: "call it once at a time, or use curl --unix-socket",
    source: "docs/pantavisor.md §3.7",
  },
);
