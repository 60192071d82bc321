import { expect, test } from "vitest";
import { logFact } from "./log-facts.ts";

const from = (module: string, message: string): string =>
  `[pantavisor] 23719 INFO\t -- [${module}]: ${message}`;

test.each([
  [
    from("platforms", "(pv_platform_set_status:238) platform 'app' status is now STARTED"),
    { type: "container.changed", what: "container", name: "app", status: "STARTED" },
  ],
  [
    from("group", "group 'root' status is now READY"),
    { type: "container.changed", what: "group", name: "root", status: "READY" },
  ],
  [
    from("state", "state revision '3' status is now DONE"),
    { type: "container.changed", what: "revision", name: "3", status: "DONE" },
  ],
  [
    from("pv-xconnect-out", "Link established: client/bus"),
    { type: "link.changed", consumer: "client", service: "bus", state: "established" },
  ],
  [
    from("pv-xconnect-out", "Removing link: client/bus"),
    { type: "link.changed", consumer: "client", service: "bus", state: "removed" },
  ],
  [
    from("pv-xconnect-err", "client/bus: cannot provide /run/x in client: it is gone"),
    { type: "link.changed", consumer: "client", service: "bus", state: "failed" },
  ],
])("%s is a fact", (line, fact) => {
  expect(logFact(line)).toEqual(fact);
});

test.each([
  from("pv-xconnect-out", "platform 'x' status is now STARTED"),
  from("platforms", "Link established: a/b"),
  from("parser", "groups.json not found"),
  "platform 'x' status is now STARTED",
  "",
])("%s is none", (line) => {
  expect(logFact(line)).toBeUndefined();
});
