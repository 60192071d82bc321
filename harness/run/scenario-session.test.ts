import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { StartedAppengineContainer } from "../appengine/started-appengine-container.ts";
import { clock } from "../clock/clock.ts";
import { PvhError } from "../errors.ts";
import type { BootRequest } from "./booter.ts";
import { cancelRun } from "./cancellation.ts";
import { parseLine } from "./event-log.ts";
import type { RecordedEvent } from "../../reports/events.ts";
import type { RunSettings } from "./run-settings.ts";
import type { CheckBody, ScenarioOptions } from "./scenario-definition.ts";
import { ScenarioSession } from "./scenario-session.ts";

/** A session on an engine that boots what `boot` says; everything it did is in `did`. */
function sessionOf(
  bodies: readonly CheckBody[],
  options: Partial<ScenarioOptions> = {},
  settings: Partial<RunSettings> = {},
  boot: (request: BootRequest) => void = () => undefined,
) {
  const folder = mkdtempSync(join(tmpdir(), "pvh-session-"));
  const did: string[] = [];
  /** Appengines that cannot be removed. */
  const broken = new Set<string>();
  const ended = new Set<string>();
  /** Appengines that were taken from the run, and why. */
  const gone = new Map<string, PvhError>();
  const requests: BootRequest[] = [];
  /** Files that the evidence of an appengine holds. */
  const evidence = new Map<string, string>();
  /** Output of the watchers' script, the last one again and again. */
  const samples: string[] = [];
  let booted = 0;
  const definition = {
    name: "s",
    options: { summary: "a summary", ...options },
    checks: bodies.map((body, index) => ({ id: `c${index}`, title: "t", body, options: {} })),
  };
  const session = new ScenarioSession(
    definition,
    {
      run: "r",
      folder,
      image: "image",
      reference: true,
      abilities: {},
      quirks: ["q"],
      keep: "failed",
      watch: "off",
      timeoutScale: 1,
      seed: 1,
      repetition: 1,
      attempt: 1,
      shares: {},
      journals: false,
      scenarios: {
        s: {
          suite: "unix",
          file: "f",
          path: "/f",
          checks: definition.checks.map(({ id }) => id),
          source: { image: "stocked", exports: ["x.tgz"] },
          alone: false,
        },
      },
      ...settings,
    },
    (request) => {
      requests.push(request);
      boot(request);
      const name = `appengine-${(booted += 1)}`;
      did.push(`boot ${name}`);
      const container = {
        name,
        appengine: {
          name,
          sh: () => {
            const stdout = (samples.length > 1 ? samples.shift() : samples[0]) ?? "";
            return Promise.resolve({ stdout, stderr: "", exitCode: 0 });
          },
        },
        control: { send: () => Promise.resolve({ status: 200, headers: {}, body: "" }) },
        whyLost: () => Promise.resolve(gone.get(name)),
        whyNotSound: () => Promise.resolve(ended.has(name) ? "the appengine ended" : undefined),
        collectEvidence: (to: string) => {
          did.push(`collect ${name} in ${to.slice(folder.length + 1)}`);
          if (evidence.size > 0) mkdirSync(to, { recursive: true });
          for (const [file, text] of evidence) writeFileSync(join(to, file), text);
          return Promise.resolve([{ path: "boot.log", what: "output" }]);
        },
        stop: () => {
          if (broken.has(name)) return Promise.reject(new Error("busy"));
          did.push(`remove ${name}`);
          return Promise.resolve();
        },
      };
      return Promise.resolve(container as unknown as StartedAppengineContainer);
    },
  );
  const events = (): RecordedEvent[] =>
    readFileSync(join(folder, "events.jsonl"), "utf8")
      .split("\n")
      .map(parseLine)
      .filter((event) => event !== undefined);
  const verdicts = () =>
    events().flatMap((event) =>
      event.type === "check.finished"
        ? [[event.check, event.verdict, event.failure?.code ?? event.reason]]
        : [],
    );
  const all = async (): Promise<void> => {
    await session.begin();
    for (const check of session.checks) await session.run(check).catch(() => undefined);
    await session.end();
  };
  const made = { session, folder, did, broken, ended, gone, requests, evidence, samples };
  return { ...made, events, verdicts, all };
}

const fails = (): void => expect(1).toBe(2);
const passes = (): void => undefined;

test("a scenario boots once, with what the run and the scenario ask for", async () => {
  const { all, requests, did } = sessionOf(
    [passes, passes],
    { boot: "manual", timeScale: 100, env: { A: "1" } },
    { timeoutScale: 2 },
  );
  await all();
  expect(clock.scale).toBe(2);
  expect(requests).toMatchObject([
    {
      image: "stocked",
      run: "r",
      exports: ["x.tgz"],
      boot: "manual",
      quirks: ["q"],
      timeScale: 100,
      env: { A: "1" },
      until: "links",
    },
  ]);
  expect(did).toEqual(["boot appengine-1", "remove appengine-1"]);
});

test("an appengine that is held stays, and another boots where the former one has gone", async () => {
  const engine = {
    host: "unix:///nonexistent/docker.sock",
    origin: "DOCKER_HOST",
    version: "0",
    apiVersion: "0",
    sameMachine: false,
  };
  const { all, did, events, verdicts } = sessionOf([passes], {}, { engine, held: { s: "former" } });
  await all();
  expect(did).toEqual(["boot appengine-1"]);
  expect(verdicts()).toEqual([["c0", "passed", undefined]]);
  expect(events().find(({ type }) => type === "note")).toMatchObject({
    text: expect.stringMatching(
      /^former cannot be used again, and another one is booted: /,
    ) as string,
  });
});

test("after a check in which the appengine has ended, nothing is judged", async () => {
  const { all, ended, verdicts } = sessionOf([
    passes,
    () => {
      ended.add("appengine-1");
      fails();
    },
    fails,
    passes,
  ]);
  await all();
  const reason = "not judged: the appengine ended in c1";
  expect(verdicts()).toEqual([
    ["c0", "passed", undefined],
    ["c1", "failed", "PVH_ASSERT"],
    ["c2", "skipped", reason],
    ["c3", "skipped", reason],
  ]);
});

test("evidence is kept right after the first failure, and what is new after each later one", async () => {
  const { all, did, events } = sessionOf([passes, fails, fails]);
  await all();
  expect(did).toEqual([
    "boot appengine-1",
    "collect appengine-1 in s",
    "collect appengine-1 in s/after-c2",
    "remove appengine-1",
  ]);
  const kinds = events().map(({ type }) => type);
  expect(kinds.indexOf("evidence")).toBeGreaterThan(kinds.indexOf("check.finished"));
  expect(events().find(({ type }) => type === "evidence")).toMatchObject({ path: "s/boot.log" });
});

test("keep decides: always keeps a pass, never keeps nothing", async () => {
  const always = sessionOf([passes], {}, { keep: "always" });
  await always.all();
  expect(always.did).toContain("collect appengine-1 in s");
  const never = sessionOf([fails], {}, { keep: "never" });
  await never.all();
  expect(never.did).toEqual(["boot appengine-1", "remove appengine-1"]);
});

test("a failed boot fails the scenario and each check for the same reason", async () => {
  const { all, verdicts, events } = sessionOf([passes, passes], {}, {}, ({ evidence }) => {
    mkdirSync(evidence ?? "");
    writeFileSync(join(evidence ?? "", "boot.log"), "");
    throw new PvhError("PVH_NEVER_READY", "no");
  });
  await all();
  expect(verdicts()).toEqual([
    ["c0", "failed", "PVH_NEVER_READY"],
    ["c1", "failed", "PVH_NEVER_READY"],
  ]);
  expect(events().at(-1)).toMatchObject({
    verdict: "failed",
    failure: { code: "PVH_NEVER_READY" },
  });
  expect(events().find(({ type }) => type === "evidence")).toMatchObject({ path: "s/boot.log" });
});

test("what a check boots goes with the check, after its evidence", async () => {
  const { all, did } = sessionOf(
    [
      async ({ bootAppengine }) => {
        await bootAppengine();
        await bootAppengine({ boot: "manual" });
        fails();
      },
      async ({ bootAppengine }) => {
        await bootAppengine();
      },
    ],
    { boot: "none" },
  );
  await all();
  expect(did).toEqual([
    "boot appengine-1",
    "boot appengine-2",
    "collect appengine-1 in s",
    "remove appengine-1",
    "collect appengine-2 in s/appengine-2",
    "remove appengine-2",
    "boot appengine-3",
    "remove appengine-3",
  ]);
});

test("a check that asks for a boot mode gets it, whatever the run asks for", async () => {
  const { all, requests } = sessionOf(
    [
      async ({ bootAppengine }) => {
        await bootAppengine({ boot: "auto" });
      },
      async ({ bootAppengine }) => {
        await bootAppengine();
      },
    ],
    { boot: "none" },
    { boot: "manual" },
  );
  await all();
  expect(requests.map(({ boot }) => boot)).toEqual(["auto", "manual"]);
});

test("without a required capability nothing boots and the reason is kept", async () => {
  const { all, did, verdicts } = sessionOf(
    [passes],
    { requires: ["reference"] },
    { reference: false },
  );
  await all();
  expect(did).toEqual([]);
  expect(verdicts()).toEqual([
    ["c0", "skipped", "needs reference: the image is not the reference appengine"],
  ]);
});

test("a cancelled run ends the check that runs, skips the rest, keeps evidence and removes", async () => {
  const { session, folder, did, verdicts, events } = sessionOf([
    () => new Promise(() => undefined),
    passes,
  ]);
  await session.begin();
  const [first, second] = session.checks;
  if (first === undefined || second === undefined) throw new Error("two checks");
  const running = session.run(first);
  cancelRun(folder);
  await running;
  await session.run(second);
  await session.end();
  expect(verdicts()).toEqual([
    ["c0", "skipped", "the run was cancelled"],
    ["c1", "skipped", "the run was cancelled"],
  ]);
  expect(did).toEqual(["boot appengine-1", "collect appengine-1 in s", "remove appengine-1"]);
  expect(events().at(-1)).toMatchObject({ type: "scenario.finished", verdict: "skipped" });
});

test("of a check that vitest never called it says nothing: the judge decides", async () => {
  const { session, verdicts } = sessionOf([passes]);
  await session.begin();
  await session.end();
  expect(verdicts()).toEqual([]);
});

test("an appengine that cannot be removed is noted and hides no failure", async () => {
  const { all, events, did, broken } = sessionOf([
    ({ appengine }) => void broken.add(appengine.name),
    fails,
  ]);
  await all();
  expect(did).toEqual(["boot appengine-1", "collect appengine-1 in s"]);
  expect(events().find(({ type }) => type === "note")).toMatchObject({
    text: "appengine appengine-1 could not be removed: busy",
  });
  expect(events().at(-1)).toMatchObject({ type: "scenario.finished", verdict: "failed" });
});

test("an engine that goes away under a check is the machine's fault, whatever the check saw", async () => {
  const { all, gone, verdicts } = sessionOf([
    passes,
    ({ appengine }) => {
      gone.set(appengine.name, new PvhError("PVH_ENGINE_UNREACHABLE", "it does not answer"));
      fails();
    },
  ]);
  await all();
  expect(verdicts()).toEqual([
    ["c0", "passed", undefined],
    ["c1", "failed", "PVH_ENGINE_UNREACHABLE"],
  ]);
});

test("a failed check is followed by the known causes that its evidence shows", async () => {
  const failing = sessionOf([passes, fails]);
  failing.evidence.set(
    "pantavisor.log",
    "[pantavisor] 1 ERROR\t -- [state]: required service 's' for platform 'c' not found\n",
  );
  await failing.all();
  expect(failing.events().filter(({ type }) => type === "diagnosis")).toMatchObject([
    { check: "c1", diagnoses: [{ rule: "required-service-missing" }] },
  ]);
  const expecting = sessionOf([fails], { expects: { rules: ["required-service-missing"] } });
  expecting.evidence.set("pantavisor.log", failing.evidence.get("pantavisor.log") ?? "");
  await expecting.all();
  expect(expecting.events().find(({ type }) => type === "diagnosis")).toMatchObject({
    diagnoses: [],
    telling: [{ from: "pantavisor.log" }],
  });
});

const SAMPLE = "mounts 10 1\nbroker 60 30 1000\n";
const LEAKED = SAMPLE.replace(" 30 ", " 500 ");

test("what a watcher sees fails the scenario, once, and none of its checks", async () => {
  const leaking = sessionOf([passes], {}, { watch: "fail" });
  leaking.samples.push(SAMPLE, LEAKED);
  await leaking.all();
  expect(leaking.verdicts()).toEqual([["c0", "passed", undefined]]);
  const seen = leaking.events();
  expect(seen.filter(({ type }) => type === "watch.violated")).toMatchObject([
    { watcher: "broker-fds", value: 500, limit: 78 },
  ]);
  expect(seen.at(-1)).toMatchObject({ verdict: "failed", failure: { code: "PVH_WATCH" } });
});

test("what goes away again, what is expected and what is only to be told fail nothing", async () => {
  const settled = sessionOf([passes], {}, { watch: "fail" });
  settled.samples.push(SAMPLE, LEAKED, SAMPLE);
  const expected = sessionOf(
    [passes],
    { expects: { watchers: ["broker-fds"] } },
    { watch: "fail" },
  );
  expected.samples.push(SAMPLE, LEAKED);
  const told = sessionOf([passes], {}, { watch: "note" });
  told.samples.push(SAMPLE, LEAKED);
  await Promise.all([settled.all(), expected.all(), told.all()]);
  for (const one of [settled, expected, told]) {
    expect(one.events().at(-1)).toMatchObject({ type: "scenario.finished", verdict: "passed" });
  }
  const violations = [settled, expected, told].map(
    (one) => one.events().filter(({ type }) => type === "watch.violated").length,
  );
  expect(violations).toEqual([0, 0, 1]);
});
