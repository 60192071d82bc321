import { expect, test } from "vitest";
import type { GraphEntry } from "../../../shared/formats/graph.ts";
import { LinkRefused } from "../plugin.ts";
import type { Link } from "../plugin.ts";
import { greetingText, roleSocketPath } from "./identity.ts";
import { unixOptions } from "./options.ts";

const entry: GraphEntry = {
  consumer: "client",
  consumer_pid: 11,
  provider: "server",
  provider_pid: 22,
  name: "svc",
  type: "unix",
  role: "admin",
  interface: null,
  target: "/run/svc.sock",
  socket: "/run/server.sock",
};

function link(role: string, socket: string): Link {
  const { consumer, provider, name, type } = entry;
  const ends = { target: "/run/svc.sock", consumerPid: 11, providerPid: 22, entry };
  return { consumer, provider, name, type, role, socket, ...ends };
}

test("a link without extensions is a plain stream", () => {
  expect(unixOptions(entry)).toEqual({ identity: "none", socketType: "stream", fds: new Set() });
});

test("a wrong value refuses the link and names its key", () => {
  const refusal = (wrong: Partial<GraphEntry>) => {
    try {
      unixOptions({ ...entry, ...wrong });
    } catch (error) {
      if (error instanceof LinkRefused) return error.message;
      throw error;
    }
    return "accepted";
  };
  expect(refusal({ identity: "passport" })).toMatch(/^identity: /);
  expect(refusal({ socketType: "dgram" })).toMatch(/^socketType: /);
  expect(refusal({ fds: "memfd" })).toMatch(/^fds: /);
  expect(refusal({ fds: ["memfd", "directory"] })).toMatch(/^fds\.1: /);
});

test("the greeting is compact JSON of the graph's consumer and role", () => {
  expect(greetingText(link("viewer", "/x"))).toBe('{"client":"client","role":"viewer"}');
});

test.each([
  ["admin", "/run/x.sock", "/run/x.admin.sock"],
  ["any", "/run/x.sock", "/run/x.sock"],
  ["viewer", "/run/v1.2/x", "/run/v1.2/x.viewer"],
  ["viewer", "/run/a.b.sock", "/run/a.b.viewer.sock"],
  ["..", "/run/x.sock", "/run/x....sock"],
])("role %s of %s has the socket %s", (role, socket, path) => {
  expect(roleSocketPath(link(role, socket))).toBe(path);
});
