import { join } from "node:path";
import { pathToFileURL } from "node:url";
import assert from "node:assert/strict";
import { expect, test } from "vitest";
import { PvhError } from "./errors.ts";
import { toFailure } from "./failure.ts";
import { ROOT } from "./root.ts";

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

test("anything else is a mistake in the scenario's own code", () => {
  expect(toFailure(new TypeError("x is not a function"))).toMatchObject({
    class: "scenario",
    code: "PVH_SCENARIO",
    message: "TypeError: x is not a function",
  });
  expect(toFailure("thrown text").message).toBe("thrown text");
});

test("an error that code of pvh threw is a bug of pvh", () => {
  const error = new TypeError("x is undefined");
  error.stack = "TypeError: x is undefined\n    at f (/clone/harness/engine/engine.ts:1:2)";
  expect(toFailure(error)).toMatchObject({ class: "harness", code: "PVH_INTERNAL" });
  error.stack = "TypeError: x is undefined\n    at f (/clone/scenarios/unix/a.scenario.ts:1:2)";
  expect(toFailure(error)).toMatchObject({ class: "scenario", code: "PVH_SCENARIO" });
});

const hostile = (key: string): object =>
  Object.defineProperty(new Error("x"), key, {
    get: () => {
      throw new Error("not for you");
    },
  });
const revoked = Proxy.revocable({}, {});
revoked.revoke();
const cycle = new AggregateError([], "cycle");
cycle.errors.push(cycle);

test.each([
  ["undefined", undefined, "threw undefined"],
  ["null", null, "threw null"],
  ["a symbol", Symbol("s"), "threw Symbol(s)"],
  ["a bigint", 1n, "threw 1n"],
  ["an object without a prototype", Object.create(null), "{}"],
  ["a Proxy", new Proxy({}, { get: () => expect.fail("touched") }), "threw a Proxy"],
  ["a revoked Proxy", revoked.proxy, "a Proxy"],
  ["a message that throws", hostile("message"), "cannot be read"],
  ["a stack that throws", hostile("stack"), "Error: x"],
  ["a name that throws", hostile("name"), "Error: x"],
  ["a code that throws", hostile("code"), "Error: x"],
  ["a text without end", "x".repeat(2 ** 24), "more characters"],
  ["a message without end", new Error("y".repeat(2 ** 24)), "more characters"],
  ["a prototype that is a Proxy", Object.create(revoked.proxy), "cannot be described"],
  ["an AggregateError in itself", cycle, "cycle\n- cycle"],
  [
    "an object of many properties",
    Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [index, 0])),
    "10000 properties",
  ],
])("%s is described, and in a bounded text", (_what, thrown, says) => {
  const { code, message } = toFailure(thrown);
  expect(code).toBe("PVH_SCENARIO");
  expect(message).toContain(says);
  expect(message.length).toBeLessThan(20_000);
});

test("an error that has crossed a process as plain data is the error that it was", () => {
  const data = { name: "PvhError", code: "PVH_ENGINE", message: "gone", hint: "pvh doctor" };
  expect(toFailure(data)).toMatchObject({ class: "infra", code: "PVH_ENGINE", hint: "pvh doctor" });
  const assertion = { name: "AssertionError", message: "expected 1 to be 2" };
  expect(toFailure(assertion)).toMatchObject({ class: "product", code: "PVH_ASSERT" });
});

test("an assertion that was not awaited is told in one line", () => {
  const text =
    "expect.poll(assertion).toBe() was not awaited. This assertion is asynchronous and must be " +
    "awaited; otherwise, it is not executed to avoid unhandled rejections:\n\nawait expect.poll(assertion).toBe()\n";
  const { message } = toFailure(new Error(text));
  expect(message).toBe("Error: expect.poll(assertion).toBe() was not awaited");
});

test("frames name files as paths, without the query that the test framework loads them with", () => {
  const error = new Error("m");
  const url = pathToFileURL(join(ROOT, "scenarios/unix/a b.scenario.ts")).href;
  error.stack = `Error: m\n    at Object.body (${url}?vitest=1795996006795:37:38)`;
  expect(toFailure(error).stack).toBe("    at Object.body (scenarios/unix/a b.scenario.ts:37:38)");
});

test("the stack holds frames of the project only, and not the message", () => {
  const failure = toFailure(new Error("one\n    at not/a/frame is text"));
  expect(failure.stack).toContain("failure.test.ts");
  expect(failure.stack).not.toContain("not/a/frame");
  expect(failure.stack).not.toContain("node_modules");
});
