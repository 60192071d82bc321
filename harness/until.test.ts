import { expect, test } from "vitest";
import { PvhError } from "./errors.ts";
import { lastWait, until } from "./until.ts";

const soon = { timeout: 20, every: 5 };

test("what does not come is the product's timeout, with what the probe said last", async () => {
  const waiting = until("the link", () => Promise.reject(new Error("no such file")), soon);
  await expect(waiting).rejects.toMatchObject({
    code: "PVH_TIMEOUT",
    class: "product",
    message: "waited 20 ms for the link: no such file",
  });
});

test("a probe that the engine keeps from looking says nothing of the product", async () => {
  const blind = () => Promise.reject(new PvhError("PVH_ENGINE", "the shell went away"));
  await expect(until("the link", blind, soon)).rejects.toMatchObject({
    code: "PVH_ENGINE",
    class: "infra",
    message: "waited 20 ms for the link: the shell went away",
  });
});

test("an error of the engine that has passed is not the reason of what came after it", async () => {
  let looks = 0;
  const probe = () => {
    looks += 1;
    if (looks === 1) throw new PvhError("PVH_ENGINE", "the shell went away");
    return false;
  };
  await expect(until("the link", probe, soon)).rejects.toMatchObject({
    code: "PVH_TIMEOUT",
    message: "waited 20 ms for the link",
  });
});

test("a wait in which nothing is asked of the product says whose fault it is", async () => {
  const waiting = until("the engine", () => false, { ...soon, code: "PVH_ENGINE" });
  await expect(waiting).rejects.toMatchObject({ code: "PVH_ENGINE", class: "infra" });
});

test("a long wait looks less often, and still sees what holds for a tenth of a second", async () => {
  const looks: number[] = [];
  const look = () => {
    looks.push(performance.now());
    return false;
  };
  await until("it", look, { timeout: 2_000, every: 5 }).catch(() => undefined);
  const pauses = looks.slice(1).map((at, index) => at - (looks[index] ?? at));
  expect(looks.length).toBeGreaterThan(15);
  expect(looks.length).toBeLessThan(120);
  expect(pauses.toSorted((a, b) => a - b)[pauses.length >> 1]).toBeLessThan(100);
});

test("the wait that was begun last is known while it lasts", async () => {
  expect(lastWait()).toBeUndefined();
  const names = await until(
    "outer",
    async () => [lastWait(), await until("inner", () => lastWait(), { timeout: 100 }), lastWait()],
    { timeout: 100 },
  );
  expect(names).toEqual(["outer", "inner", "outer"]);
  await until("never", () => false, { timeout: 1 }).catch(() => undefined);
  expect(lastWait()).toBeUndefined();
});
