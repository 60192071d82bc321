import { describe, expect, it } from "vitest";
import { none, parseQuirks } from "../shared/quirks/quirks.ts";
import { flapping } from "./duplicate-flaps.quirk.ts";
import { buildGraph, graphWarnings, missingServices } from "./service-graph.ts";
import type { ContainerDefinition } from "../shared/formats/state.ts";
import { STATE_SPEC, parseState } from "../shared/formats/state.ts";

function containers(
  parts: Record<string, { required?: unknown[]; optional?: unknown[]; exports?: unknown[] }>,
): readonly ContainerDefinition[] {
  const entries = Object.entries(parts).flatMap(([name, { required, optional, exports }]) => [
    [
      `${name}/run.json`,
      { name, services: { required: required ?? [], optional: optional ?? [] } },
    ],
    [`${name}/services.json`, { services: exports ?? [] }],
  ]);
  return parseState({ "#spec": STATE_SPEC, ...Object.fromEntries(entries) }, none).containers;
}

const raw = { name: "raw", type: "unix", socket: "/run/raw.sock" };
const running = (name: string) => ({ pid: name.length * 100, startTime: 7 });
const down = () => ({ pid: -1 });

describe("an entry", () => {
  it("has the documented fields in their order", () => {
    const graph = buildGraph(
      containers({
        client: { required: [{ name: "raw", target: "/run/pv/raw.sock" }] },
        server: { exports: [raw] },
      }),
      running,
      none,
    );
    expect(JSON.stringify(graph)).toBe(
      '[{"consumer":"client","consumer_pid":600,"consumer_start":7,"provider":"server",' +
        '"provider_pid":600,"provider_start":7,"name":"raw","type":"unix","role":"any",' +
        '"interface":"/run/pv/raw.sock","target":"/run/pv/raw.sock","socket":"/run/raw.sock"}]',
    );
  });

  it("keeps the requirement's own role and interface", () => {
    const requirement = { name: "raw", role: "nobody", interface: "org.x", target: "/t" };
    const [entry] = buildGraph(
      containers({ c: { required: [requirement] }, s: { exports: [raw] } }),
      down,
      none,
    );
    expect(entry).toMatchObject({ role: "nobody", interface: "org.x", consumer_pid: -1 });
    expect(entry).not.toHaveProperty("consumer_start");
  });

  it("has neither target nor interface when the requirement gives none", () => {
    const [entry] = buildGraph(
      containers({ c: { required: [{ name: "raw" }] }, s: { exports: [raw] } }),
      down,
      none,
    );
    expect(entry).toMatchObject({ target: null, interface: null });
  });
});

describe("matching", () => {
  const two = { a: { exports: [raw] }, b: { exports: [raw] } };

  it("lets the first provider in state order serve", () => {
    const graph = buildGraph(containers({ c: { required: ["raw"] }, ...two }), down, none);
    expect(graph.map(({ provider }) => provider)).toEqual(["a"]);
  });

  it("obeys a provider selector, unless provider-ignored", () => {
    const parts = containers({ c: { required: [{ name: "raw", provider: "b" }] }, ...two });
    expect(buildGraph(parts, down, none)[0]?.provider).toBe("b");
    expect(buildGraph(parts, down, parseQuirks("provider-ignored"))[0]?.provider).toBe("a");
  });

  it("does not serve a requirement of another type", () => {
    const parts = containers({ c: { required: [{ name: "raw", type: "rest" }] }, ...two });
    expect(buildGraph(parts, down, none)).toEqual([]);
  });

  it("leaves out an optional service that nobody provides", () => {
    const parts = containers({ c: { optional: ["raw"] } });
    expect(buildGraph(parts, down, none)).toEqual([]);
    expect(missingServices(parts, none)).toEqual([]);
  });

  it("names every required service that nobody provides", () => {
    const parts = containers({ c: { required: ["raw", "other"] }, s: { exports: [raw] } });
    expect(missingServices(parts, none)).toEqual([{ service: "other", container: "c" }]);
  });
});

describe("the warnings", () => {
  it("name both providers, other types, missing optional services and targets", () => {
    const parts = containers({
      c: {
        required: [{ name: "raw", target: "/t" }],
        optional: ["gone", { name: "raw", type: "rest", target: "/u" }, { name: "raw" }],
      },
      a: { exports: [raw] },
      b: { exports: [raw] },
    });
    expect(graphWarnings(parts, none)).toEqual([
      "service 'raw' for platform 'c' has two providers: 'a' serves, 'b' does not",
      "optional service 'gone' for platform 'c' not found",
      "optional service 'raw' for platform 'c' not found",
      "service 'raw' for platform 'c' asks for type rest: 'a' exports it as unix",
      "service 'raw' for platform 'c' asks for type rest: 'b' exports it as unix",
      "service 'raw' for platform 'c' names no target",
      "service 'raw' for platform 'c' has two providers: 'a' serves, 'b' does not",
    ]);
  });

  it("are none for a graph that is in order", () => {
    const parts = containers({ c: { required: ["raw"] }, s: { exports: [raw] } });
    expect(graphWarnings(parts, none)).toEqual([]);
  });
});

describe("a quirk", () => {
  const other = { name: "other", type: "rest", socket: "/run/other.sock" };

  it("duplicate-flaps lets two providers serve in turns", () => {
    const parts = containers({
      c: { required: ["raw"] },
      a: { exports: [raw] },
      b: { exports: [raw] },
    });
    const build = flapping(buildGraph);
    const served = [1, 2, 3].map(() => build(parts, down, none)[0]?.provider);
    expect(new Set(served)).toEqual(new Set(["a", "b"]));
  });

  it("name-ignored, type-ignored and optional-required change what matches", () => {
    const parts = containers({
      c: { required: [{ name: "raw", target: "/t" }], optional: ["gone"] },
      s: { exports: [other, raw] },
    });
    const [entry] = buildGraph(parts, down, parseQuirks("name-ignored"));
    expect(entry?.socket).toBe("/run/other.sock");
    expect(missingServices(parts, parseQuirks("optional-required"))).toEqual([
      { service: "gone", container: "c" },
    ]);
    const typed = containers({
      c: { required: [{ name: "raw", type: "rest" }] },
      s: { exports: [raw] },
    });
    expect(buildGraph(typed, down, parseQuirks("type-ignored"))[0]?.type).toBe("unix");
  });
});
