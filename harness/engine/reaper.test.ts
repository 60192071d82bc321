import { expect, test } from "vitest";
import { HELD_LABEL, OWNER_LABEL, ownerLabels, RUN_LABEL } from "./labels.ts";
import { demandRemoval, describeLeft, reap } from "./reaper.ts";
import { fakeEngine } from "./testdata/fake-engine.ts";
import type { Answer, Answers } from "./testdata/fake-engine.ts";

const NEVER = new Promise<Answer>(() => undefined);

interface Contents {
  readonly containers: Set<string>;
  readonly volumes: Set<string>;
}

/** Each container uses the volume of its name; an answer of `refuse` takes precedence. */
function holding(
  { containers, volumes }: Contents,
  refuse: (method: string, path: string) => Answer | Promise<Answer> | undefined = () => undefined,
  labels = ownerLabels({ run: "r" }),
): Answers {
  return (method, path) => {
    const refused = refuse(method, path);
    if (refused !== undefined) return refused;
    const [, kind = "", name = ""] = path.split("/");
    const set = kind === "containers" ? containers : volumes;
    if (method === "DELETE")
      return { status: set.delete(name) ? 204 : 404, body: { message: "no" } };
    if (path === "/containers/json") {
      return {
        body: [...containers].map((Id) => ({
          Id,
          Names: [`/${Id}`],
          Labels: labels,
          State: "running",
          Mounts: [{ Name: Id }],
        })),
      };
    }
    return {
      body: { Volumes: [...volumes].map((Name) => ({ Name, Labels: labels, Mountpoint: "" })) },
    };
  };
}

const contents = (...names: string[]): Contents => ({
  containers: new Set(names),
  volumes: new Set(names),
});

test("what is removed is told by name, containers and volumes", async () => {
  const there = contents("a", "b");
  await using fake = await fakeEngine(holding(there));
  expect(await reap(fake.engine, { kind: "run", run: "r" })).toEqual({
    containers: ["a", "b"],
    volumes: ["a", "b"],
    loopDevices: [],
    gone: [],
    left: [],
  });
  expect([...there.containers, ...there.volumes]).toEqual([]);
});

test("a container that another client is removing is waited for, and its volume goes after it", async () => {
  const there = contents("a");
  const order: string[] = [];
  await using fake = await fakeEngine(
    holding(there, (method, path) => {
      order.push(`${method} ${path}`);
      if (method === "DELETE" && path === "/containers/a") {
        return { status: 409, body: { message: "removal of container a is already in progress" } };
      }
      if (path === "/volumes/a" && there.containers.has("a")) {
        return { status: 409, body: { message: "volume is in use" } };
      }
      if (path !== "/containers/a/wait") return undefined;
      there.containers.delete("a");
      return { body: { StatusCode: 137 } };
    }),
  );
  const reaped = await reap(fake.engine, { kind: "run", run: "r" });
  expect(reaped).toMatchObject({ containers: [], gone: ["a"], volumes: ["a"], left: [] });
  expect(order.slice(2)).toEqual([
    "DELETE /containers/a",
    "POST /containers/a/wait",
    "DELETE /volumes/a",
  ]);
});

test("what another client has removed meanwhile is not counted as removed", async () => {
  const there = contents("a", "b");
  await using fake = await fakeEngine(
    holding(there, (method, path) => {
      if (method === "DELETE" && path === "/containers/a") there.containers.delete("a");
      return undefined;
    }),
  );
  const reaped = await reap(fake.engine, { kind: "run", run: "r" });
  expect(reaped).toMatchObject({ containers: ["b"], gone: ["a"], left: [] });
});

test("a kill that a busy engine did not get done is asked for again", async () => {
  let asked = 0;
  await using fake = await fakeEngine(
    holding(contents("a"), (method, path) => {
      if (method !== "DELETE" || path !== "/containers/a") return undefined;
      asked += 1;
      const message = "could not kill: did not receive an exit event";
      return asked === 1 ? { status: 500, body: { message } } : undefined;
    }),
  );
  expect(await reap(fake.engine, { kind: "run", run: "r" })).toMatchObject({
    containers: ["a"],
    left: [],
  });
});

test("what the engine refuses for good is left by name, and the rest goes", async () => {
  const there = contents("a", "b");
  await using fake = await fakeEngine(
    holding(there, (method, path) =>
      method === "DELETE" && path === "/volumes/a"
        ? { status: 409, body: { message: "volume is in use - [c0ffee]" } }
        : undefined,
    ),
  );
  const reaped = await reap(fake.engine, { kind: "run", run: "r" });
  expect(reaped).toMatchObject({
    containers: ["a", "b"],
    volumes: ["b"],
    left: [{ kind: "volume", name: "a", why: expect.stringContaining("in use") as string }],
  });
  expect(() => demandRemoval(reaped)).toThrow(/not removed: volume a \(.*in use/);
});

test("at the deadline a removal that is not done is left, and nothing waits for it", async () => {
  await using fake = await fakeEngine(
    holding(contents("a", "b"), (method, path) =>
      method === "DELETE" && path === "/containers/a" ? NEVER : undefined,
    ),
  );
  const deadline = new AbortController();
  const reaping = reap(fake.engine, { kind: "run", run: "r" }, { signal: deadline.signal });
  setTimeout(() => deadline.abort(), 200);
  const { containers, left } = await reaping;
  expect(containers).toEqual(["b"]);
  expect(describeLeft(left)).toMatch(
    /^container a \(the engine has not done it in time\), volume a/,
  );
});

test("an engine that lists nothing by the deadline is an error of the engine", async () => {
  await using fake = await fakeEngine(() => NEVER);
  const signal = AbortSignal.timeout(100);
  await expect(reap(fake.engine, { kind: "unused" }, { signal })).rejects.toMatchObject({
    code: "PVH_ENGINE",
  });
});

test("a volume that a container out of the scope uses stays, and is not missed", async () => {
  const there = contents("shared");
  const labels = { [OWNER_LABEL]: ownerLabels()[OWNER_LABEL] ?? "" };
  await using fake = await fakeEngine((method, path) => {
    if (method === "DELETE") throw new Error(`${path} was removed`);
    const of = (run: string) => ({ ...labels, [RUN_LABEL]: run, [HELD_LABEL]: "false" });
    return path === "/containers/json"
      ? { body: [{ Id: "x", Names: ["/x"], Labels: of("other"), Mounts: [{ Name: "shared" }] }] }
      : { body: { Volumes: [{ Name: "shared", Labels: of("r"), Mountpoint: "" }] } };
  });
  expect(await reap(fake.engine, { kind: "run", run: "r" })).toMatchObject({
    volumes: [],
    left: [],
  });
  expect([...there.volumes]).toEqual(["shared"]);
});
