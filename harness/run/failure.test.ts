import assert from "node:assert/strict";
import { expect, test } from "vitest";
import { PvhError } from "../errors.ts";
import { toFailure } from "./failure.ts";

const thrownBy = (action: () => void): unknown => {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
};

test("a PvhError keeps its class, code, hint and evidence", () => {
  const error = new PvhError("PVH_NEVER_READY", "no", { hint: "look", evidence: ["a.log"] });
  expect(toFailure(error)).toMatchObject({
    class: "product",
    code: "PVH_NEVER_READY",
    message: "no",
    hint: "look",
    evidence: ["a.log"],
  });
});

test("a failed assertion, of vitest or of node:assert, is the product's failure", () => {
  const vitest = toFailure(thrownBy(() => expect(1).toBe(2)));
  expect(vitest).toMatchObject({ class: "product", code: "PVH_ASSERT" });
  const node = toFailure(thrownBy(() => assert.equal(1, 2)));
  expect(node).toMatchObject({ class: "product", code: "PVH_ASSERT" });
});

test("a failed comparison of objects shows both whole", () => {
  const { message } = toFailure(thrownBy(() => expect({ a: [1, { b: 2 }] }).toEqual({ a: [3] })));
  expect(message).toContain("\nactual:   { a: [ 1, { b: 2 } ] }\nexpected: { a: [ 3 ] }");
  expect(toFailure(thrownBy(() => expect(1).toBe(2))).message).not.toContain("actual:");
});

test("anything else is a mistake of the harness", () => {
  expect(toFailure(new TypeError("x is not a function"))).toMatchObject({
    class: "harness",
    code: "PVH_INTERNAL",
    message: "TypeError: x is not a function",
  });
  expect(toFailure("thrown text").message).toBe("thrown text");
});

test("the stack holds frames of the project only, and not the message", () => {
  const failure = toFailure(new Error("one\n    at not/a/frame is text"));
  expect(failure.stack).toContain("failure.test.ts");
  expect(failure.stack).not.toContain("not/a/frame");
  expect(failure.stack).not.toContain("node_modules");
});
