import { afterEach, expect, test, vi } from "vitest";
import {
  formatOwner,
  HELD_LABEL,
  OWNER_LABEL,
  ownerLabels,
  RUN_LABEL,
  thisMachine,
} from "../engine/labels.ts";
import { fakeEngine } from "../engine/testdata/fake-engine.ts";
import { Args } from "./command.ts";
import { downCommand } from "./down.ts";

afterEach(() => vi.unstubAllEnvs());

const { machine, boot } = thisMachine;
/** No process has ever had this pid and this start. */
const dead = formatOwner({ machine, boot, pid: 2 ** 30, start: 1 });
const LABELS: Readonly<Record<string, Record<string, string>>> = {
  "pvh-held": { [OWNER_LABEL]: dead, [RUN_LABEL]: "", [HELD_LABEL]: "true" },
  "pvh-dead": { [OWNER_LABEL]: dead, [RUN_LABEL]: "old" },
  "pvh-live": ownerLabels({ run: "now" }),
};

/** An engine with a held appengine, one of a killed run, and one of a run that goes on. */
async function engineWith(refuse: (path: string) => string | undefined = () => undefined) {
  const there = new Set(Object.keys(LABELS));
  const volumes = new Set(Object.keys(LABELS));
  const fake = await fakeEngine((method, path) => {
    const [, kind = "", name = ""] = path.split("/");
    if (path === "/version") return { body: { ApiVersion: "1.41", Version: "v" } };
    if (path === "/info") return { body: { Name: "elsewhere" } };
    if (method === "DELETE") {
      const message = refuse(path);
      if (message !== undefined) return { status: 500, body: { message } };
      return { status: (kind === "volumes" ? volumes : there).delete(name) ? 204 : 404, body: {} };
    }
    if (path === "/containers/json") {
      return {
        body: [...there].map((Id) => ({
          Id,
          Names: [`/${Id}`],
          Labels: LABELS[Id],
          State: "running",
          Image: "image",
          Status: "Up",
          Mounts: [{ Name: Id }],
        })),
      };
    }
    const listed = [...volumes].map((Name) => ({ Name, Labels: LABELS[Name], Mountpoint: "" }));
    return { body: { Volumes: listed } };
  });
  vi.stubEnv("DOCKER_HOST", fake.host);
  return { there, [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose]() };
}

async function down(words: readonly string[], options: { all?: boolean; force?: boolean } = {}) {
  const said: string[] = [];
  const out = { data: (text: string) => said.push(text), say: (text: string) => said.push(text) };
  const { signal } = new AbortController();
  const code = await downCommand({ args: new Args(words, options), signal, out });
  return { code, said: said.join("\n") };
}

test("down --all takes what is held and what killed runs left, and says what stays", async () => {
  await using engine = await engineWith();
  const { there } = engine;
  expect(await down([], { all: true })).toEqual({
    code: 0,
    said: `removed 2 containers (pvh-held, pvh-dead) and 2 volumes (pvh-held, pvh-dead)
pvh-live stays: it is in use by run now
  -> pvh down --all --force takes it from there`,
  });
  expect([...there]).toEqual(["pvh-live"]);
});

test("down --all --force takes everything", async () => {
  await using engine = await engineWith();
  const { there } = engine;
  const { said } = await down([], { all: true, force: true });
  expect(said).toContain("removed 3 containers");
  expect([...there]).toEqual([]);
});

test("down NAME takes no running appengine of a run, except by force", async () => {
  await using engine = await engineWith();
  const { there } = engine;
  await expect(down(["pvh-live"])).rejects.toMatchObject({
    code: "PVH_USAGE",
    message: "pvh-live is in use by run now",
  });
  expect(there.has("pvh-live")).toBe(true);
  expect(await down(["pvh-live"], { force: true })).toEqual({
    code: 0,
    said: "removed pvh-live",
  });
});

test("what down cannot remove is named, and the exit code tells", async () => {
  await using engine = await engineWith((path) =>
    path === "/containers/pvh-held" ? "device or resource busy" : undefined,
  );
  expect(engine.there.size).toBe(3);
  const { code, said } = await down([], { all: true });
  expect(code).toBe(3);
  expect(said).toContain("removed 1 container (pvh-dead)");
  expect(said).toContain("not removed: container pvh-held (device or resource busy)");
});
