import { expect, test } from "vitest";
import { whyNoAppengine } from "./startable-image.ts";

const facts = { entry: "/usr/bin/pv-appengine", architecture: "amd64", machine: "amd64" };

test("an image with a shell, pv-appengine and its entry point is taken", () => {
  expect(whyNoAppengine("", facts)).toBeUndefined();
});

test("an entry point that is pv-appengine need not be in the search path", () => {
  const elsewhere = { ...facts, entry: "/opt/pv-appengine" };
  expect(whyNoAppengine("missing pv-appengine\n", elsewhere)).toBeUndefined();
});

test.each([
  ["exec /bin/sh: exec format error", { architecture: "arm64" }, /for arm64: .* \(amd64\) cannot/],
  ["exec /bin/sh: exec format error", {}, /for another machine: .* \(amd64\) cannot/],
  ['exec: "/bin/sh": stat /bin/sh: no such file or directory', {}, /has no \/bin\/sh/],
  ["missing /no/such\n", { entry: "/no/such" }, /entry point \/no\/such is not in it/],
  ["missing pv-appengine\n", { entry: "/bin/sh" }, /has no pv-appengine/],
  ["missing pv-appengine\nmissing pv-appengine\n", { entry: "pv-appengine" }, /entry point/],
])("an image of which it is said %j is refused", (said, other, refusal) => {
  expect(whyNoAppengine(said, { ...facts, ...other })).toMatch(refusal);
});
