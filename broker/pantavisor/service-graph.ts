import { none } from "../shared/quirks/quirks.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";
import { mergeExtensions } from "../shared/formats/extensions.ts";
import type { GraphEntry } from "../shared/formats/graph.ts";
import type { Requirement } from "../shared/formats/run-manifest.ts";
import type { ServiceExport } from "../shared/formats/services.ts";
import type { ContainerDefinition } from "../shared/formats/state.ts";

/** The process of a container, for the graph. */
export interface GraphPeer {
  /** Pid of its init; -1 while it does not run. */
  readonly pid: number;
  readonly startTime?: number | undefined;
}

/**
 * The links of a revision (docs/pantavisor.md §6.1): consumers in state order, required before
 * optional. The first provider of a name in state order serves it. A requirement that states a
 * type or a provider is served only by an export of that type or by that provider.
 */
export function buildGraph(
  containers: readonly ContainerDefinition[],
  peerOf: (name: string) => GraphPeer,
  quirks: Quirks,
): GraphEntry[] {
  const peer = (name: string): GraphPeer =>
    quirks.has("graph-no-start") ? { pid: peerOf(name).pid } : peerOf(name);
  return containers.flatMap((consumer) => {
    const { required, optional } = consumer.run.services;
    return [...required, ...optional].flatMap((requirement) => {
      const found = providersOf(containers, requirement, quirks);
      const serving = quirks.has("graph-all-providers") ? found : found.slice(0, 1);
      const from = peer(consumer.name);
      return serving.map(({ provider, export: offered }) => {
        const to = peer(provider);
        return {
          consumer: consumer.name,
          consumer_pid: quirks.has("pid-zero") ? 0 : from.pid,
          ...(from.startTime === undefined ? {} : { consumer_start: from.startTime }),
          provider,
          provider_pid: to.pid,
          ...(to.startTime === undefined ? {} : { provider_start: to.startTime }),
          name: requirement.name,
          type: offered.type,
          role: requirement.role ?? "any",
          interface:
            requirement.interface ??
            (quirks.has("graph-interface-type") ? offered.type : requirement.target) ??
            null,
          target: requirement.target ?? null,
          socket: offered.socket,
          ...mergeExtensions(offered, requirement, quirks),
        };
      });
    });
  });
}

export interface MissingService {
  readonly service: string;
  readonly container: string;
}

/** Required services that no container of the revision provides. */
export function missingServices(
  containers: readonly ContainerDefinition[],
  quirks: Quirks,
): MissingService[] {
  return containers.flatMap(({ name, run: { services } }) => {
    const optional = quirks.has("optional-required") ? services.optional : [];
    return [...services.required, ...optional]
      .filter((requirement) => findProvider(containers, requirement, quirks) === undefined)
      .map((requirement) => ({ service: requirement.name, container: name }));
  });
}

/**
 * A circle of containers that require each other, directly or through others, the first one again
 * at its end; undefined when there is none. None of them could ever be started first.
 */
export function requirementCycle(
  containers: readonly ContainerDefinition[],
  quirks: Quirks = none,
): string[] | undefined {
  const needs = new Map(
    containers.map(({ name, run }) => {
      const providers = run.services.required.map(
        (requirement) => findProvider(containers, requirement, quirks)?.provider,
      );
      return [name, providers.filter((provider) => provider !== undefined)];
    }),
  );
  /** Containers from which no circle can be reached. */
  const clear = new Set<string>();
  const follow = (name: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (clear.has(name)) return undefined;
    for (const provider of needs.get(name) ?? []) {
      const cycle = follow(provider, [...path, name]);
      if (cycle !== undefined) return cycle;
    }
    clear.add(name);
    return undefined;
  };
  for (const name of needs.keys()) {
    const cycle = follow(name, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** Warnings about links of a revision that do not keep it from running, a line each. */
export function graphWarnings(
  containers: readonly ContainerDefinition[],
  quirks: Quirks,
): string[] {
  return containers.flatMap(({ name, run: { services } }) => [
    ...services.required.flatMap((one) => warningsOf(one, name, containers, quirks)),
    ...services.optional.flatMap((one) => [
      ...(findProvider(containers, one, quirks) === undefined && !quirks.has("optional-silent")
        ? [`optional service '${one.name}' for platform '${name}' not found`]
        : []),
      ...warningsOf(one, name, containers, quirks),
    ]),
  ]);
}

function warningsOf(
  requirement: Requirement,
  consumer: string,
  containers: readonly ContainerDefinition[],
  quirks: Quirks,
): string[] {
  const what = `service '${requirement.name}' for platform '${consumer}'`;
  const lines: string[] = [];
  if (requirement.target === undefined) lines.push(`${what} names no target`);
  const [first, ...others] = providersOf(containers, requirement, quirks);
  for (const { provider } of others) {
    lines.push(
      `${what} has two providers: '${first?.provider ?? ""}' serves, '${provider}' does not`,
    );
  }
  if (first !== undefined || requirement.type === undefined) return lines;
  const { type: asked, ...anyType } = requirement;
  for (const { provider, export: offered } of providersOf(containers, anyType, quirks)) {
    lines.push(`${what} asks for type ${asked}: '${provider}' exports it as ${offered.type}`);
  }
  return lines;
}

interface Provided {
  readonly provider: string;
  readonly export: ServiceExport;
}

function findProvider(
  containers: readonly ContainerDefinition[],
  requirement: Requirement,
  quirks: Quirks,
): Provided | undefined {
  return providersOf(containers, requirement, quirks)[0];
}

/** Exports that can serve a requirement, in state order. */
function providersOf(
  containers: readonly ContainerDefinition[],
  { name, type, provider: selector }: Requirement,
  quirks: Quirks,
): Provided[] {
  const candidates = quirks.has("name-ignored")
    ? exportsOf(containers)
    : (byName(containers).get(name) ?? []);
  return candidates.filter(
    ({ provider, export: { type: offered } }) =>
      (selector === undefined || selector === provider || quirks.has("provider-ignored")) &&
      (type === undefined || type === offered || quirks.has("type-ignored")),
  );
}

function exportsOf(containers: readonly ContainerDefinition[]): Provided[] {
  return containers.flatMap(({ name: provider, exports }) =>
    exports.map((one) => ({ provider, export: one })),
  );
}

/** Exports by name, kept because the graph is built often and a revision never changes them. */
const indices = new WeakMap<readonly ContainerDefinition[], ReadonlyMap<string, Provided[]>>();

function byName(containers: readonly ContainerDefinition[]): ReadonlyMap<string, Provided[]> {
  const known = indices.get(containers);
  if (known !== undefined) return known;
  const index = Map.groupBy(exportsOf(containers), (one) => one.export.name);
  indices.set(containers, index);
  return index;
}
