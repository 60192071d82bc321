import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { PROPERTY_RUNS } from "../shared/formats/property-runs.fixture.ts";
import { none } from "../shared/quirks/quirks.ts";
import { damaged, stateDocument } from "../shared/formats/documents.fixture.ts";
import { mergeExtensions } from "../shared/formats/extensions.ts";
import { parseGraph } from "../shared/formats/graph.ts";
import { parseRunManifest } from "../shared/formats/run-manifest.ts";
import { buildGraph, missingServices, requirementCycle } from "./service-graph.ts";
import type { ContainerDefinition } from "../shared/formats/state.ts";
import { parseState } from "../shared/formats/state.ts";

const peer = fc.record({
  pid: fc.constantFrom(-1, 0, 7, 4_194_304),
  startTime: fc.option(fc.nat(), { nil: undefined }),
});
const revision = stateDocument.map(({ document }) => parseState(document, none).containers);

it("the graph of any revision is read as it was written, and holds what is served", () => {
  fc.assert(
    fc.property(revision, peer, (containers, one) => {
      const written = buildGraph(containers, () => one, none);
      const pid = Math.max(0, one.pid);
      expect(parseGraph(JSON.parse(JSON.stringify(written)))).toEqual(
        written.map((entry) => ({
          ...entry,
          consumer_pid: pid,
          provider_pid: pid,
          target: entry.target ?? (entry.interface?.startsWith("/") ? entry.interface : null),
        })),
      );
      const { links, missing } = servedIn(containers);
      expect(written.map(({ consumer, name, provider }) => ({ consumer, name, provider }))).toEqual(
        links,
      );
      expect(missingServices(containers, none)).toEqual(missing);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

it("a revision has a cycle of requirements exactly when no order starts each provider first", () => {
  const names = ["a", "b", "c", "d"];
  const needs = fc.tuple(...names.map(() => fc.subarray(names)));
  fc.assert(
    fc.property(needs, (lists) => {
      const containers = names.map((name, index) => container(name, lists[index] ?? []));
      const cycle = requirementCycle(containers, none);
      expect(cycle === undefined).toBe(canBeOrdered(names, lists));
      if (cycle === undefined) return;
      expect(cycle.at(-1)).toBe(cycle[0]);
      for (const [index, name] of cycle.slice(0, -1).entries()) {
        expect(lists[names.indexOf(name)]).toContain(cycle[index + 1]);
      }
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

/** The documented rule: the first container in state order that serves a requirement. */
function servedIn(containers: readonly ContainerDefinition[]) {
  const links: object[] = [];
  const missing: object[] = [];
  for (const { name: consumer, run } of containers) {
    const { required, optional } = run.services;
    for (const one of [...required, ...optional]) {
      const { name, type, provider: by } = one;
      const provider = containers.find(
        (candidate) =>
          (by ?? candidate.name) === candidate.name &&
          candidate.exports.some((e) => e.name === name && (type ?? e.type) === e.type),
      )?.name;
      if (provider !== undefined) links.push({ consumer, name, provider });
      else if (required.includes(one)) missing.push({ service: name, container: consumer });
    }
  }
  return { links, missing };
}

/** A container that exports a service of its own name and requires those of `needs`. */
function container(name: string, needs: readonly string[]): ContainerDefinition {
  const required = needs.map((need) => ({ name: need }));
  const run = { ...parseRunManifest({ name }), services: { required, optional: [] } };
  return { name, run, exports: [{ name, type: "unix", socket: "/s" }], owned: [] };
}

/** Kahn's algorithm: repeatedly remove containers that need none of the remaining ones. */
function canBeOrdered(names: readonly string[], lists: readonly (readonly string[])[]): boolean {
  const left = new Map(names.map((name, index) => [name, lists[index] ?? []]));
  for (;;) {
    const free = [...left].find(([, needs]) => needs.every((name) => !left.has(name)));
    if (free === undefined) return left.size === 0;
    left.delete(free[0]);
  }
}

describe("a graph that somebody else wrote", () => {
  const entry = fc.record(
    {
      consumer: fc.constantFrom("a", "b"),
      consumer_pid: fc.constantFrom<unknown>(7, 0, -1, "7", 1.5, null),
      consumer_start: fc.nat(),
      provider: fc.constantFrom("a", "b"),
      provider_pid: fc.nat(9),
      name: fc.constant("raw"),
      type: fc.constant("unix"),
      role: fc.constant("admin"),
      interface: fc.constantFrom(null, "unix", "/run/i"),
      target: fc.constantFrom(null, "", "/run/t"),
      socket: fc.constant("/s"),
      uid: fc.nat(9),
      rules: fc.constant([[]]),
    },
    { requiredKeys: ["consumer", "name", "type", "socket"] },
  );

  it("is read once and for all, or refused by zod", () => {
    fc.assert(
      fc.property(damaged(fc.array(entry, { maxLength: 3 })), (value) => {
        let graph;
        try {
          graph = parseGraph(value);
        } catch (error) {
          if (error instanceof z.ZodError) return;
          throw error;
        }
        expect(parseGraph(graph)).toEqual(graph);
        for (const { consumer_pid, provider_pid, target } of graph) {
          for (const pid of [consumer_pid, provider_pid]) {
            expect(Number.isInteger(pid) && pid >= 0).toBe(true);
          }
          expect(target).not.toBe("");
        }
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

it("the fds of a link are what both manifests list; rules are each side's own", () => {
  const fds = fc.option(fc.subarray(["memfd", "pipe", "socket"]), { nil: undefined });
  const rules = fc.option(fc.constantFrom([{ access: "see" }], []), { nil: undefined });
  const side = fc.record({ fds, rules, identity: fc.constantFrom("greeting", undefined) });
  fc.assert(
    fc.property(side, side, (provided, wanted) => {
      const merged = mergeExtensions(provided, wanted);
      const both = provided.fds?.filter((type) => wanted.fds?.includes(type));
      expect(merged.fds).toEqual(wanted.fds === undefined ? undefined : both);
      const lists = [provided.rules, wanted.rules].filter((list) => list !== undefined);
      expect(merged.rules).toEqual(lists.length === 0 ? undefined : lists);
      expect(merged.identity).toBe(provided.identity);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
