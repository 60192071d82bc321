import { expect, it } from "vitest";
import { hostKindOf } from "./host-header.ts";

it.each([
  [[], "/daemons", "missing"],
  [["Host", ""], "/daemons", "missing"],
  [["Host", "localhost"], "/daemons", "local"],
  [["hOsT", "LocalHost:8080"], "/daemons", "local"],
  [["Host", "localhost:"], "/daemons", "local"],
  [["Host", "evil"], "/daemons", "foreign"],
  [["Host", "localhost.evil"], "/daemons", "foreign"],
  [["Host", "localhost:80:80"], "/daemons", "foreign"],
  [["Host", "[::1]"], "/daemons", "foreign"],
  [["Host", "localhost", "Host", "localhost"], "/daemons", "foreign"],
  [["Accept", "Host"], "/daemons", "missing"],
  [["Host", "localhost"], "http://evil/daemons", "foreign"],
  [["Host", "localhost"], "http://localhost/daemons", "local"],
])("%j for %s is %s", (headers, target, kind) => {
  expect(hostKindOf(headers, target)).toBe(kind);
});
