import { expect, test } from "vitest";
import { fakeEngine } from "../engine/testdata/fake-engine.ts";
import { withBuilder } from "./rootfs-builder.ts";

const NO_REGISTRY = { status: 404, body: { message: "pull access denied for debian" } };

/** Ask for a builder of an engine whose containers do not start; no container is ever used. */
async function ask(place: "own-programs" | "debian", hasDebian: boolean) {
  const made: string[] = [];
  await using fake = await fakeEngine((method, path, query) => {
    const what = `${method} ${path.replace(/^\/v[\d.]+/, "")}`;
    if (what === "POST /images/load") return { lines: [{ stream: "Loaded image: x" }] };
    if (what === "POST /images/create") {
      made.push(`pull ${query.get("fromImage") ?? ""}`);
      return NO_REGISTRY;
    }
    if (/^GET \/images\/debian/.test(what)) {
      return hasDebian ? { body: { Id: "sha256:1", Config: {} } } : { status: 404, body: {} };
    }
    if (what === "POST /containers/create") {
      made.push("container");
      return { status: 201, body: { Id: "c" } };
    }
    if (/\/start$/.test(what)) return { status: 500, body: { message: "no such file: /usr" } };
    return { status: 204 };
  });
  const said: string[] = [];
  const { signal } = new AbortController();
  const options = {
    signal,
    progress: (line: string) => said.push(line),
    onStderr: () => undefined,
  };
  const error: unknown = await withBuilder(fake.engine, place, options, () => {
    throw new Error("used");
  }).catch((thrown: unknown) => thrown);
  return { made, said, error };
}

test("without a registry the error names the image and both ways out", async () => {
  const { made, error } = await ask("debian", false);
  expect(made).toEqual(["pull debian"]);
  expect(error).toMatchObject({
    code: "PVH_BUILD",
    message: expect.stringContaining("cannot pull debian:bookworm-slim") as string,
    hint: expect.stringMatching(/docker load that image, or install mmdebstrap/) as string,
  });
});

test("an image that is on the engine is not pulled", async () => {
  const { made, error } = await ask("debian", true);
  expect(made).toEqual(["container"]);
  expect(error).toMatchObject({ message: expect.stringContaining("no such file: /usr") as string });
});

test("where this machine's programs cannot be used, it is said, and Debian's image is", async () => {
  const { made, said } = await ask("own-programs", true);
  expect(made).toEqual(["container", "container"]);
  expect(said).toEqual([
    "mmdebstrap cannot run there (the container: no such file: /usr); going on in a debian:bookworm-slim container",
  ]);
});
