import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GraphEntry } from "../../shared/formats/graph.ts";
import { PROPERTY_RUNS } from "../../shared/formats/property-runs.fixture.ts";
import { parseQuirks } from "../../shared/quirks/quirks.ts";
import { reconcile } from "./reconcile.ts";
import type { CurrentLink, DesiredEntry, LinkEffect, LinkState } from "./reconcile.ts";

const strict = {
  isKnownType: (type: string) => type !== "nothing",
  now: 0,
  quirks: parseQuirks(""),
};
const withQuirk = (list: string) => ({ ...strict, quirks: parseQuirks(list) });

function entry(overrides: Partial<GraphEntry> = {}): GraphEntry {
  return {
    consumer: "client",
    consumer_pid: 10,
    provider: "server",
    provider_pid: 20,
    name: "raw",
    type: "unix",
    role: "any",
    interface: "unix",
    target: "/run/raw.sock",
    socket: "/run/p.sock",
    ...overrides,
  };
}

/** The entry with running peers, whose start times are ten times their pids. */
function running(from: GraphEntry): DesiredEntry {
  const peer = (pid: number) => (pid > 0 ? { pid, start: pid * 10 } : undefined);
  return { entry: from, consumer: peer(from.consumer_pid), provider: peer(from.provider_pid) };
}

/** The links after the effects, all of them in `state`. */
function apply(
  current: ReadonlyMap<string, CurrentLink>,
  effects: readonly LinkEffect[],
  state: LinkState = "established",
): Map<string, CurrentLink> {
  const next = new Map(current);
  for (const effect of effects) {
    if (effect.kind === "refuse") continue;
    if (effect.kind === "remove") next.delete(effect.key);
    if (effect.kind === "add" || effect.kind === "replace") {
      const canWait = effect.link.entry.type !== "drm";
      next.set(effect.key, { wanted: effect.link, state, canWait, waitsUntil: undefined });
    }
    const held = next.get(effect.key);
    if (effect.kind === "hold" && held !== undefined) {
      next.set(effect.key, { ...held, state: "waiting", waitsUntil: effect.until });
    }
  }
  return next;
}

const kinds = (effects: readonly LinkEffect[]) => effects.map(({ kind }) => kind);
const none = new Map<string, CurrentLink>();
const established = (...entries: GraphEntry[]) =>
  apply(none, reconcile(none, entries.map(running), strict));

const anyEntry = fc
  .record({
    consumer: fc.constantFrom("a", "b", "not safe"),
    consumer_pid: fc.constantFrom(0, 10, 11),
    provider: fc.constantFrom("p", "q"),
    provider_pid: fc.constantFrom(0, 20, 21),
    name: fc.constantFrom("one", "two"),
    type: fc.constantFrom("unix", "drm", "nothing"),
    role: fc.constantFrom("any", "admin"),
    target: fc.constantFrom("/run/x", "/run/y", null, "relative", "/a/../b"),
  })
  .map(entry);
const anyGraph = fc.array(anyEntry, { maxLength: 8 }).map((entries) => entries.map(running));

describe("reconcile", () => {
  it("makes the links equal to what the graph wants, from any state", () => {
    fc.assert(
      fc.property(anyGraph, anyGraph, (before, after) => {
        const start = apply(none, reconcile(none, before, strict));
        // By then no link may wait for a provider any more.
        const later = { ...strict, now: 60_000 };
        const held = apply(start, reconcile(start, after, strict));
        const links = apply(held, reconcile(held, after, later));
        const wanted = new Map<string, DesiredEntry>();
        for (const candidate of after) {
          const { consumer, name, target, type } = candidate.entry;
          if (type === "nothing" || consumer === "not safe") continue;
          if (target?.startsWith("/run/") !== true) continue;
          const key = `${consumer}/${name} ${target}`;
          if (!wanted.has(key)) wanted.set(key, candidate);
        }
        for (const [key, { consumer, provider }] of wanted) {
          if (consumer === undefined || provider === undefined) wanted.delete(key);
        }
        expect([...links.keys()].sort()).toEqual([...wanted.keys()].sort());
        for (const [key, { entry: declared, consumer, provider }] of wanted) {
          expect(links.get(key)?.wanted).toMatchObject({ entry: declared, consumer, provider });
        }
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("is idempotent: the same graph again keeps every link", () => {
    fc.assert(
      fc.property(anyGraph, anyGraph, (before, graph) => {
        const start = apply(none, reconcile(none, before, strict));
        const links = apply(start, reconcile(start, graph, strict));
        const again = kinds(reconcile(links, graph, strict));
        expect(again.filter((kind) => !["keep", "refuse", "hold"].includes(kind))).toEqual([]);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("replaces a link whose consumer has the same pid and another start time", () => {
    const recycled = { ...running(entry()), consumer: { pid: 10, start: 7 } };
    expect(kinds(reconcile(established(entry()), [recycled], strict))).toEqual(["replace"]);
  });

  it("replaces a link whose role has changed", () => {
    const changed = running(entry({ role: "admin" }));
    expect(kinds(reconcile(established(entry()), [changed], strict))).toEqual(["replace"]);
  });

  it("tries a failed or lost link again, but not one that its plugin has refused", () => {
    const desired = [running(entry())];
    for (const [state, kind] of [
      ["failed", "replace"],
      ["lost", "replace"],
      ["refused", "keep"],
    ] as const) {
      const current = apply(none, reconcile(none, desired, strict), state);
      expect(kinds(reconcile(current, desired, strict))).toEqual([kind]);
    }
  });

  it("removes a link when its consumer stops", () => {
    const effects = reconcile(established(entry()), [running(entry({ consumer_pid: 0 }))], strict);
    expect(kinds(effects)).toEqual(["remove"]);
  });

  it("holds a link whose provider stops for 5 s, then removes it", () => {
    const stopped = [running(entry({ provider_pid: 0 }))];
    const start = established(entry());
    const effects = reconcile(start, stopped, { ...strict, now: 1_000 });
    expect(effects).toMatchObject([{ kind: "hold", until: 6_000 }]);
    const held = apply(start, effects);
    expect(kinds(reconcile(held, stopped, { ...strict, now: 5_999 }))).toEqual(["hold"]);
    expect(kinds(reconcile(held, stopped, { ...strict, now: 6_000 }))).toEqual(["remove"]);
    const back = reconcile(held, [running(entry({ provider_pid: 21 }))], strict);
    expect(kinds(back)).toEqual(["replace"]);
  });

  it("does not hold a link without a backlog, with another role, or that never worked", () => {
    const stopped = entry({ provider_pid: 0 });
    const drm = established(entry({ type: "drm" }));
    expect(kinds(reconcile(drm, [running({ ...stopped, type: "drm" })], strict))).toEqual([
      "remove",
    ]);
    const other = running({ ...stopped, role: "admin" });
    expect(kinds(reconcile(established(entry()), [other], strict))).toEqual(["remove"]);
    const failed = apply(none, reconcile(none, [running(entry())], strict), "failed");
    expect(kinds(reconcile(failed, [running(stopped)], strict))).toEqual(["remove"]);
    expect(kinds(reconcile(established(entry()), [], strict))).toEqual(["remove"]);
  });

  it("lets the first of two providers serve and names both", () => {
    const graph = [entry({ provider: "one" }), entry({ provider: "two", provider_pid: 21 })];
    const effects = reconcile(none, graph.map(running), strict);
    expect(effects).toMatchObject([
      {
        kind: "refuse",
        line: "Two providers of raw for client at /run/raw.sock: one serves, two does not",
      },
      { kind: "add", link: { entry: { provider: "one" } } },
    ]);
  });

  it("refuses by name what can never be a link", () => {
    const graph = [
      entry({ consumer: "../x" }),
      entry({ role: "a b" }),
      entry({ target: null }),
      entry({ target: "run/x" }),
      entry({ target: "/run/\0x" }),
      entry({ socket: "/run/../x" }),
      entry({ type: "nothing" }),
    ];
    const lines = reconcile(none, graph.map(running), strict).map((effect) =>
      effect.kind === "refuse" ? effect.line : effect.kind,
    );
    expect(lines).toEqual([
      'Refusing link ../x/raw: consumer "../x" must match ^[A-Za-z0-9_.-]{1,64}$',
      'Refusing link client/raw: role "a b" must match ^[A-Za-z0-9_.-]{1,64}$',
      "Refusing link client/raw: the requirement names no target path",
      'Refusing link client/raw: target "run/x" is not an absolute path',
      'Refusing link client/raw: target "/run/\\u0000x" holds control characters',
      'Refusing link client/raw: socket "/run/../x" is not a plain path',
      "No plugin found for type nothing",
    ]);
  });
});

describe("reconcile with a quirk", () => {
  it("target-null-path plants a link without a target at /null", () => {
    const effects = reconcile(
      none,
      [running(entry({ target: null }))],
      withQuirk("target-null-path"),
    );
    expect(effects).toMatchObject([{ kind: "add", link: { target: "/null" } }]);
  });

  it("reconcile-churn replaces a link that has not changed", () => {
    const effects = reconcile(
      established(entry()),
      [running(entry())],
      withQuirk("reconcile-churn"),
    );
    expect(kinds(effects)).toEqual(["replace"]);
  });

  it("link-never-removed keeps what the graph has dropped", () => {
    expect(reconcile(established(entry()), [], withQuirk("link-never-removed:unix"))).toEqual([]);
    expect(kinds(reconcile(established(entry()), [], withQuirk("link-never-removed:drm")))).toEqual(
      ["remove"],
    );
  });

  it("no-reinject and provider-pid-stale keep the first processes", () => {
    const consumer = running(entry({ consumer_pid: 11 }));
    const provider = running(entry({ provider_pid: 21 }));
    const current = established(entry());
    expect(kinds(reconcile(current, [consumer], withQuirk("no-reinject")))).toEqual(["keep"]);
    expect(kinds(reconcile(current, [provider], withQuirk("provider-pid-stale")))).toEqual([
      "keep",
    ]);
    expect(kinds(reconcile(current, [provider], withQuirk("no-reinject")))).toEqual(["replace"]);
  });

  it("unknown-type-fatal fails as a whole", () => {
    const graph = [entry(), entry({ type: "nothing" })].map(running);
    expect(() => reconcile(none, graph, withQuirk("unknown-type-fatal"))).toThrow(
      "No plugin found for type nothing",
    );
  });
});
