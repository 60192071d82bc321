import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PROPERTY_RUNS } from "../../../shared/formats/property-runs.fixture.ts";
import { pathSegments } from "../../../shared/protocols/http1/request-target.ts";
import { LinkRefused } from "../plugin.ts";
import { isAllowed, restPolicy } from "./rules.ts";

function allows(rules: unknown, method: string, target: string, role = "viewer"): boolean {
  return isAllowed(restPolicy(role, { rules }), method, pathSegments(target) ?? []);
}

describe("a request is allowed", () => {
  test("without rules", () => {
    expect(allows(undefined, "DELETE", "/x")).toBe(true);
  });

  test.each([
    ["GET", "/info", true],
    ["GET", "/info/", true],
    ["GET", "/info/a/b?c", true],
    ["GET", "/%69nfo", true],
    ["GET", "/information", false],
    ["GET", "/", false],
    ["GET", "/a/info", false],
    ["HEAD", "/info", false],
    ["get", "/info", false],
  ])("by whole segments and by method: %s %s: %s", (method, target, allowed) => {
    expect(allows([[{ methods: ["GET"], path: "/info/" }]], method, target)).toBe(allowed);
  });

  test("by a rule for its role or for none", () => {
    const rules = [[{ path: "/a", role: "admin" }, { path: "/b" }]];
    expect(allows(rules, "GET", "/a", "admin")).toBe(true);
    expect(allows(rules, "GET", "/a", "viewer")).toBe(false);
    expect(allows(rules, "GET", "/b", "viewer")).toBe(true);
  });

  test("when both the export's list and the requirement's allow it", () => {
    const rules = [[{ path: "/a" }], [{ methods: ["GET"] }]];
    expect(allows(rules, "GET", "/a")).toBe(true);
    expect(allows(rules, "PUT", "/a")).toBe(false);
    expect(allows(rules, "GET", "/b")).toBe(false);
    expect(allows([[], [{}]], "GET", "/a")).toBe(false);
  });
});

test("the matcher agrees with a naive reading of the documentation", () => {
  const segment = fc.constantFrom("a", "b", "aa");
  const path = fc.array(segment, { maxLength: 3 }).map((segments) => `/${segments.join("/")}`);
  const method = fc.constantFrom("GET", "PUT", "HEAD");
  const rule = fc.record(
    {
      methods: fc.array(method, { minLength: 1, maxLength: 2 }),
      path,
      role: fc.constantFrom("admin", "viewer"),
    },
    { requiredKeys: [] },
  );
  const lists = fc.array(fc.array(rule, { maxLength: 3 }), { maxLength: 2 });
  fc.assert(
    fc.property(lists, method, path, (rules, asked, target) => {
      const withSlash = (text: string) => (text.endsWith("/") ? text : `${text}/`);
      const expected = rules.every((list) =>
        list.some(
          (r) =>
            (r.role === undefined || r.role === "viewer") &&
            (r.methods === undefined || r.methods.includes(asked)) &&
            (r.path === undefined || withSlash(target).startsWith(withSlash(r.path))),
        ),
      );
      expect(allows(rules, asked, target)).toBe(expected);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

describe("a link is refused by the key that is wrong", () => {
  test.each([
    ["rules", { rules: {} }],
    ["rules.0", { rules: ["x"] }],
    ["rules.0.0.methods", { rules: [[{ methods: "GET" }]] }],
    ["rules.0.0.methods.0", { rules: [[{ methods: ["G T"] }]] }],
    ["rules.0.0.path", { rules: [[{ path: "info" }]] }],
    ["rules.0.0.path", { rules: [[{ path: "/a/../b" }]] }],
    ["rules.0.0.path", { rules: [[{ path: "/a?b" }]] }],
    ["rules.0.0", { rules: [[{ paths: "/a" }]] }],
    ["upgrade", { upgrade: "websocket" }],
    ["upgrade.0", { upgrade: ["web socket"] }],
    ["upgrade", { upgrade: ["h2c"] }],
    ["upgrade", { upgrade: ["HTTP/2.0"] }],
  ])("%s", (key, extensions) => {
    const refusal = () => restPolicy("any", extensions);
    expect(refusal).toThrow(LinkRefused);
    expect(refusal).toThrow(new RegExp(`^${key}: `));
  });
});
