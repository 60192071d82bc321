import { expect, test } from "vitest";
import { captureDebug } from "../debug.fixture.ts";
import { PvhError } from "../errors.ts";
import { runStages } from "./boot-stages.ts";
import type { Stage } from "./boot-stages.ts";

const never: Stage = { name: "ready", deadline: 60, probe: () => Promise.resolve(undefined) };
const at = (name: Stage["name"], detail: string | true): Stage => ({
  name,
  deadline: 1_000,
  probe: () => Promise.resolve(detail),
});

async function boot(
  stages: Stage[],
  whyNot: string | PvhError | undefined,
  signal = new AbortController().signal,
) {
  const seen: string[] = [];
  const error = await runStages(stages, {
    signal,
    onStage: (stage, _ms, ok, detail) =>
      seen.push(`${stage} ${ok ? "ok" : "bad"} ${detail ?? ""}`.trim()),
    whyNot: () => (whyNot instanceof PvhError ? Promise.reject(whyNot) : Promise.resolve(whyNot)),
  }).then(
    () => undefined,
    (thrown: unknown) => thrown as PvhError,
  );
  return { seen, error };
}

test("stages are reported in order with their details", async () => {
  const { seen, error } = await boot([at("storage", true), at("revision", "0")], undefined);
  expect(seen).toEqual(["storage ok", "revision ok 0"]);
  expect(error).toBeUndefined();
});

test("a known reason ends the boot long before the stage's deadline", async () => {
  const begun = performance.now();
  const { seen, error } = await boot([{ ...never, deadline: 60_000 }], "required service 'x' …");
  expect(performance.now() - begun).toBeLessThan(5_000);
  expect(seen).toEqual(["ready bad required service 'x' …"]);
  expect(error).toMatchObject({
    code: "PVH_NEVER_READY",
    message: expect.stringContaining("'ready'") as string,
  });
});

test("a reason is looked for too when the probe itself fails, as with a container that is gone", async () => {
  const gone: Stage = {
    ...never,
    deadline: 60_000,
    probe: () => Promise.reject(new Error("gone")),
  };
  expect((await boot([gone], "pv-appengine ended")).seen).toEqual(["ready bad pv-appengine ended"]);
});

test.each(["PVH_ENGINE_UNREACHABLE", "PVH_ENGINE_SILENT"] as const)(
  "an engine that goes away (%s) ends the boot at once, and is not held against the product",
  async (code) => {
    const gone = new PvhError(code, "the engine does not answer");
    const links: Stage = { ...never, name: "links", deadline: 60_000, optional: true };
    const { seen, error } = await boot([links], gone);
    expect(seen).toEqual(["links bad the engine does not answer"]);
    expect(error).toBe(gone);
  },
);

test("without a reason the deadline is the reason", async () => {
  const { error } = await boot([never], undefined);
  expect(error?.message).toMatch(/stage 'ready': waited 60 ms/);
});

test("a cancelled boot is not a failed product", async () => {
  const { error } = await boot([never], undefined, AbortSignal.abort());
  expect(error).toBeInstanceOf(PvhError);
  expect(error?.code).toBe("PVH_ABORTED");
});

test("a probe that throws is a probe that found nothing yet", async () => {
  let tries = 0;
  const flaky: Stage = {
    name: "pv-ctrl",
    deadline: 1_000,
    probe: () => {
      tries += 1;
      return tries < 3 ? Promise.reject(new Error("not yet")) : Promise.resolve("there");
    },
  };
  expect((await boot([flaky], undefined)).seen).toEqual(["pv-ctrl ok there"]);
});

test("a boot goes on without an optional stage", async () => {
  const { seen, error } = await boot([{ ...never, optional: true }, at("links", true)], undefined);
  expect(seen[0]).toMatch(/^ready bad waited 60 ms/);
  expect(seen[1]).toBe("links ok");
  expect(error).toBeUndefined();
});

test("PVH_DEBUG=boot tells what was decided at each stage", async () => {
  const lines = captureDebug("boot");
  const optional: Stage = { ...never, name: "links", optional: true };
  await boot([at("storage", true), optional, never], "no provider");
  expect(lines).toEqual([
    expect.stringMatching(/: storage: begins, at most 1000 ms$/),
    expect.stringMatching(/: storage: passed, \d+ ms$/),
    expect.stringMatching(/: links: begins, at most 60 ms$/),
    expect.stringMatching(/: links: passed over: no provider, \d+ ms$/),
    expect.stringMatching(/: ready: begins, at most 60 ms$/),
    expect.stringMatching(/: ready: ends the boot: no provider, \d+ ms$/),
  ]);
});
