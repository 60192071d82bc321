import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PROPERTY_RUNS } from "../../formats/property-runs.fixture.ts";
import { field } from "./fields.ts";
import { inOriginForm, pathSegments } from "./request-target.ts";

function reduced(target: string, method = "GET"): { target: string; hosts: string[] } | undefined {
  const fields = [field("Host", "old"), field("A", "b")];
  const head = inOriginForm({ method, target, version: "1.1", fields });
  if (head === undefined) return undefined;
  const hosts = head.fields.filter(({ lower }) => lower === "host").map(({ value }) => value);
  return { target: head.target, hosts };
}

describe("a target", () => {
  test.each([
    ["/a/b?c=/d", "/a/b?c=/d", "old"],
    ["http://new/a?b", "/a?b", "new"],
    ["HTTPS://new:8443/a", "/a", "new:8443"],
    ["http://[::1]:80/", "/", "[::1]:80"],
    ["http://new", "/", "new"],
    ["http://new?q", "/?q", "new"],
  ])("%s is passed as %s for host %s", (target, path, host) => {
    expect(reduced(target)).toEqual({ target: path, hosts: [host] });
  });

  test("* is for OPTIONS, which an absolute target without path means too", () => {
    expect(reduced("*", "OPTIONS")).toEqual({ target: "*", hosts: ["old"] });
    expect(reduced("http://new", "OPTIONS")).toEqual({ target: "*", hosts: ["new"] });
    expect(reduced("*", "GET")).toBeUndefined();
  });

  test.each([
    "a",
    "example.org:80",
    "ftp://host/a",
    "http:///a",
    "http://user@host/a",
    "http://user:secret@host/a",
    "http://a\\b/",
    "http://host/a#b",
    "/a#b",
    "//",
  ])("%s in the wrong form is refused, or is a path", (target) => {
    expect(reduced(target)?.target).toBe(target === "//" ? target : undefined);
  });
});

describe("the segments of", () => {
  test.each([
    ["/", []],
    ["*", []],
    ["/a", ["a"]],
    ["/a/", ["a"]],
    ["/a/b?x=/../y", ["a", "b"]],
    ["/%61/b%20c", ["a", "b c"]],
    ["/a;v=1", ["a;v=1"]],
    ["/...", ["..."]],
    ["/%c3%a9%e0%a0%80%f0%90%80%80", ["\xc3\xa9\xe0\xa0\x80\xf0\x90\x80\x80"]],
    ["/%252e%252e", ["%2e%2e"]],
  ])("%s are %j", (target, segments) => {
    expect(pathSegments(target)).toEqual(segments);
  });

  test.each([
    "//",
    "/a//b",
    "/.",
    "/a/..",
    "/a/../b",
    "/a/./b",
    "/a/%2e%2E/b",
    "/a/.%2e",
    "/a/..;x/b",
    "/a/;x/b",
    "/a%2fb",
    "/a%2Fb",
    "/a%5cb",
    "/a%5Cb",
    "/a\\b",
    "/a%00",
    "/a/%c0%ae%C0%AE/b",
    "/a%c1%9cb",
    "/a/%e0%80%aE/b",
    "/a%F0%80%80%afb",
    "/a%",
    "/a%2",
    "/a%zz",
  ])("%s cannot be told", (target) => {
    expect(pathSegments(target)).toBeUndefined();
  });

  test("what is told survives every decoder that decodes once", () => {
    const piece = fc.oneof(
      fc.constantFrom("/", ".", "..", "%2e", "%2F", "%5c", "%00", "\\", ";", "a", "%61", "%", "?"),
      fc.stringMatching(/^[!-~]$/),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const target = `/${pieces.join("")}`;
        const segments = pathSegments(target);
        if (segments === undefined) return;
        const path = target.split("?")[0] ?? "";
        // A naive server: decode all of the path first, then split and resolve it.
        const naive = path.replace(/%(..)/g, (_, hex: string) =>
          String.fromCharCode(Number.parseInt(hex, 16)),
        );
        const resolved: string[] = [];
        for (const part of naive.replaceAll("\\", "/").split("/")) {
          if (part === "..") resolved.pop();
          else if (part !== "" && part !== ".") resolved.push(part);
        }
        expect(segments).toEqual(resolved);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});
