import { expect, test } from "vitest";
import { fakeEngine } from "../engine/testdata/fake-engine.ts";
import type { Answer } from "../engine/testdata/fake-engine.ts";
import { pullImage } from "./pull-image.ts";

const PULLED: Answer = {
  lines: [{ status: "Pulling from library/x" }, { status: "Pull complete" }],
};
const BUSY: Answer = { status: 500, body: { message: "toomanyrequests: slow down" } };
const ABSENT: Answer = { status: 404, body: { message: "pull access denied for x" } };

/** Pull from a registry that answers so, one answer a pull. */
async function pull(...answers: readonly Answer[]) {
  let pulls = 0;
  await using fake = await fakeEngine(() => {
    pulls += 1;
    return answers[pulls - 1] ?? BUSY;
  });
  const said: string[] = [];
  const { signal } = new AbortController();
  const options = { signal, progress: (line: string) => said.push(line) };
  const error = await pullImage(fake.engine, "x", options, 1).catch((thrown: unknown) => thrown);
  return { pulls, said, error };
}

test("a registry that fails for a moment is asked again, and it is said why", async () => {
  const midway: Answer = { lines: [{ status: "Downloading" }, { error: "unexpected EOF" }] };
  const { pulls, said, error } = await pull(BUSY, midway, PULLED);
  expect(error).toBeUndefined();
  expect(pulls).toBe(3);
  expect(said).toEqual([
    "pulling x failed: x: toomanyrequests: slow down",
    "pulling x failed: x: unexpected EOF",
  ]);
});

test("one that goes on failing is the engine's failure, with the registry's words", async () => {
  const { pulls, error } = await pull();
  expect(pulls).toBe(4);
  expect(error).toMatchObject({ code: "PVH_ENGINE", message: "x: toomanyrequests: slow down" });
});

test("what the registry does not have is asked for once", async () => {
  const { pulls, error } = await pull(ABSENT);
  expect(pulls).toBe(1);
  expect(error).toMatchObject({ code: "PVH_IMAGE_MISSING" });
});
