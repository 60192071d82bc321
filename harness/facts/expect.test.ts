import { describe, expect as vitestExpect, test } from "vitest";
import { toFailure } from "../failure.ts";
import { expect } from "./expect.ts";
import { structureDiff } from "./structure-diff.ts";
import { valueWords } from "./value-words.ts";

async function failureOf(assert: () => unknown) {
  try {
    await assert();
  } catch (error) {
    return toFailure(error);
  }
  throw new Error("the assertion holds");
}

describe("a failed assertion is a fact with its promise", () => {
  const never = [1, 2, 3];
  test.each([
    [
      () => expect(0, "uid of the connection at the provider's bus").toBe(65534),
      "uid of the connection at the provider's bus: 0 (root), promised 65534 (nobody)",
    ],
    [
      () => expect(403, "status of GET /containers").toBe(200),
      "status of GET /containers: 403 (Forbidden), promised 200 (OK)",
    ],
    [
      () => expect(137, "exit code of the client").toBe(0),
      "exit code of the client: 137 (SIGKILL), promised 0 (success)",
    ],
    [
      () => expect(2, "errno of connect()").not.toBe(2),
      "errno of connect(): 2 (ENOENT), promised anything but 2 (ENOENT)",
    ],
    [
      () => expect(1_200.04, "ms until the socket is back").toBeLessThan(1_000),
      "ms until the socket is back: 1200 ms, promised less than 1000 ms",
    ],
    [
      () => expect(false, "the socket is planted").toBe(true),
      "the socket is planted: no, promised yes",
    ],
    [
      () =>
        expect({ a: "b", n: 1 }, "it").toEqual({
          a: expect.stringMatching(/^c/) as string,
          n: expect.any(Number) as number,
        }),
      "it: { a: 'b', n: 1 }, promised { a: string matching /^c/, n: any Number }",
    ],
    [
      () => expect(Array(9).fill(200), "statuses").toEqual([]),
      "statuses: [ 200, 200, 200, 200, 200, 200, 200, 200, 200 ], promised []",
    ],
    [() => expect(undefined, "the link").toBeDefined(), "the link: nothing, promised something"],
    [
      () => expect("abc", "reply of the provider").toMatch(/q/),
      'reply of the provider: "abc", promised text that matches /q/',
    ],
    [
      () => expect(never, "names in the reply").not.toContain(2),
      "names in the reply: [ 1, 2, 3 ], promised none that holds 2",
    ],
    [() => expect(never, "fds").toHaveLength(2), "fds: 3: [ 1, 2, 3 ], promised 2 of them"],
    [
      () => expect(Promise.resolve(5), "the call").rejects.toMatchObject({ code: "X" }),
      "the call: success, 5, promised one with { code: 'X' }",
    ],
    [
      () => expect(Promise.reject(new Error("no")), "the call").rejects.toMatchObject({ code: 1 }),
      "the call: Error: no, promised one with { code: 1 }",
    ],
  ])("%s", async (assert, message) => {
    vitestExpect(await failureOf(assert)).toMatchObject({ code: "PVH_ASSERT", message });
  });
});

test("of structures that are too long for a sentence the first difference is told", async () => {
  const container = (over: object) => ({
    name: "a-container-with-a-long-name",
    group: "app",
    roles: ["mgmt", "viewer", "operator", "observer"],
    status: "STARTED",
    restart_policy: "container",
    recovery: { type: "always", delays: [1, 2, 4, 8], window: 10 },
    ...over,
  });
  const lines = await Promise.all(
    [
      () => expect(container({ recovery: undefined }), "it").toEqual(container({})),
      () =>
        expect([container({}), container({ status: "STOPPED" })], "entries").toMatchObject([
          {
            recovery: container({}).recovery,
            roles: container({}).roles,
            name: container({}).name,
          },
          { status: expect.stringMatching(/^START/) as string, group: "app" },
        ]),
      () => expect(container({ more: 1 }), "it").toEqual(container({})),
      () => expect(container({}), "it").not.toHaveProperty("recovery"),
    ].map(async (assert) => (await failureOf(assert)).message),
  );
  vitestExpect(lines).toEqual([
    "it, at recovery: nothing, promised { type: 'always', delays: [ 1, 2, 4, 8 ], window: 10 }",
    'entries, at [1].status: "STOPPED", promised string matching /^START/',
    "it, at more: 1, promised nothing",
    "it: one with recovery { type: 'always', delays: [ 1, 2, 4, 8 ], window: 10 }, promised none with the property \"recovery\"",
  ]);
});

test("structures have a whole diff, and the message stays short", async () => {
  const many = Array.from({ length: 500 }, (_, index) => `container-${index}`);
  const { fact, message } = await failureOf(() =>
    expect(many, "containers of the graph").toEqual([...many.slice(0, 499), "other"]),
  );
  vitestExpect(message.length).toBeLessThan(600);
  vitestExpect(fact?.diff).toHaveLength(503);
  vitestExpect(fact?.diff).toContain("-   'container-499'");
  vitestExpect(fact?.diff).toContain("+   'other'");
});

test("what holds, holds: plain, negated, and of a promise", async () => {
  expect(1, "it").toBe(1);
  expect([1], "it").not.toContain(2);
  expect({ a: 1 }, "it").toEqual({ a: expect.any(Number) as number });
  await expect(Promise.resolve(1), "it").resolves.toBe(1);
});

test("the failure shows the lines of the scenario, and no frame of expect itself", async () => {
  const { stack } = await failureOf(() => expect(1, "it").toBe(2));
  vitestExpect(stack).toContain("expect.test.ts");
  vitestExpect(stack).not.toContain("facts/expect.ts");
});

test("values that defend themselves are described all the same", () => {
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  vitestExpect(valueWords(revoked.proxy, "it")).toContain("cannot be described");
  vitestExpect(structureDiff(revoked.proxy, { a: 1 })).toBeDefined();
});
