import * as z from "zod";
import {
  exportExtensions,
  mergeExtensions,
  requirementExtensions,
} from "../../shared/formats/extensions.ts";
import type { GraphEntry, ReadGraph } from "../../shared/formats/graph.ts";

/** Keys of a requirement that say where it is planted. */
const place = z.string().optional().catch(undefined);
const requirement = z.looseObject({
  name: z.string(),
  target: place,
  socket: place,
  interface: place,
  ...requirementExtensions.shape,
});
const serviceExport = z.looseObject({
  name: z.string(),
  socket: z.string(),
  ...exportExtensions.shape,
});

/** Items that can be read; the others extend nothing. */
function listOf<T>(item: z.ZodType<T>) {
  return z
    .array(z.unknown())
    .transform((all) => all.map((one) => item.safeParse(one)).flatMap(({ data }) => data ?? []));
}

const run = z.looseObject({
  services: z.looseObject({
    required: listOf(requirement).optional().default([]),
    optional: listOf(requirement).optional().default([]),
  }),
});
const services = z.union([
  listOf(serviceExport),
  z.looseObject({ services: listOf(serviceExport) }).transform((found) => found.services),
]);
const document = z.record(z.string(), z.unknown());

/**
 * The graph with the extensions of its links, as the manifests in the state have them: a Pantavisor that
 * knows no extensions leaves them out of its graph, and gives the state as it was deployed.
 *
 * @param state the body of GET /steps/current; what cannot be read in it extends nothing
 */
export function withStateExtensions(graph: ReadGraph, state: unknown): ReadGraph {
  const { data = {} } = document.safeParse(state);
  const extended = (entry: GraphEntry): GraphEntry => {
    const { consumer, provider, name, socket, target } = entry;
    const exports = services.safeParse(data[`${provider}/services.json`]).data ?? [];
    const own = exports.filter((one) => one.name === name);
    const provided =
      own.find((one) => one.socket === socket) ?? (own.length === 1 ? own[0] : undefined);
    const wanted = run.safeParse(data[`${consumer}/run.json`]).data?.services;
    const named = [...(wanted?.required ?? []), ...(wanted?.optional ?? [])].filter(
      (one) => one.name === name,
    );
    const required =
      named.find((one) => (one.target ?? one.socket ?? one.interface) === target) ?? named[0];
    return {
      ...entry,
      // 029-32 takes what stands in an extension for a key: a rule's `interface`, "socket" in a list of
      // descriptors (docs/pantavisor.md §1.2).
      ...(provided !== undefined && { socket: provided.socket }),
      ...(required !== undefined && { interface: required.interface ?? null }),
      ...mergeExtensions(provided ?? {}, required ?? {}),
    };
  };
  return { ...graph, entries: graph.entries.map(extended) };
}
