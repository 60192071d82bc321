import { expect, test } from "vitest";
import { bisect } from "./bisect.ts";
import type { Outcome } from "./bisect.ts";

const images = Array.from({ length: 16 }, (_, index) => `v${index}`);

/** Runs of a scenario that fails from an image on. */
function runs(firstBad: number, special: Readonly<Record<string, Outcome[]>> = {}) {
  const asked: string[] = [];
  const run = (image: string): Promise<Outcome> => {
    asked.push(image);
    const next = special[image]?.shift();
    return Promise.resolve(next ?? (Number(image.slice(1)) >= firstBad ? "bad" : "good"));
  };
  return { asked, run };
}

test.each([1, 2, 7, 8, 14, 15])("the first bad image is found: v%d", async (firstBad) => {
  const { run, asked } = runs(firstBad);
  const found = await bisect(images, run, () => undefined);
  expect(found).toEqual({ good: `v${firstBad - 1}`, bad: `v${firstBad}`, unknown: [] });
  expect(asked.slice(0, 4)).toEqual(["v15", "v15", "v15", "v0"]);
  expect(asked.length).toBeLessThanOrEqual(4 + 4);
});

test("images that cannot be judged are gone round, and told when they hide the first bad one", async () => {
  const special = { v7: ["unknown"], v8: ["unknown"] } as Record<string, Outcome[]>;
  expect(await bisect(images, runs(10, special).run, () => undefined)).toMatchObject({
    good: "v9",
    bad: "v10",
  });
  const hidden = { v7: ["unknown"], v8: ["unknown"] } as Record<string, Outcome[]>;
  expect(await bisect(images, runs(8, hidden).run, () => undefined)).toEqual({
    good: "v6",
    bad: "v9",
    unknown: ["v7", "v8"],
  });
});

test("where the bad end fails in a third of its runs, an image has to pass eight times", async () => {
  const { run, asked } = runs(1, { v2: ["good", "good", "bad"] });
  const found = await bisect(["v0", "v2"], run, () => undefined);
  expect(found).toEqual({ good: "v0", bad: "v2", unknown: [] });
  expect(asked.filter((image) => image === "v0").length).toBe(8);
});

test.each([
  ["a bad end that passes", 99, "v15 is not bad in 3 runs"],
  ["a good end that fails", 0, "v0 is not good"],
])("%s leaves nothing to search for", async (_what, firstBad, message) => {
  await expect(bisect(images, runs(firstBad).run, () => undefined)).rejects.toThrow(message);
});
