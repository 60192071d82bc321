import type { Quirks } from "../quirks/quirks.ts";
import { mergeExtensions } from "./extensions.ts";
import type { GraphEntry } from "./graph.ts";
import type { Requirement } from "./run-manifest.ts";
import type { ServiceExport } from "./services.ts";
import type { ContainerDefinition } from "./state.ts";

/** The process of a container, for the graph. */
export interface GraphPeer {
  /** -1 while it is not running. */
  readonly pid: number;
  readonly startTime?: number | undefined;
}

/**
 * The links of a revision (facts §6.9, strict): consumers in state order, required before
 * optional; of several providers of one name the first in state order serves. Names match;
 * a requirement that states a type or a provider is served by that only.
 */
export function buildGraph(
  containers: readonly ContainerDefinition[],
  peerOf: (name: string) => GraphPeer,
  quirks: Quirks,
): GraphEntry[] {
  return containers.flatMap((consumer) => {
    const { required, optional } = consumer.run.services;
    return [...required, ...optional].flatMap((requirement) => {
      const found = findProvider(containers, requirement, quirks);
      if (found === undefined) return [];
      const from = peerOf(consumer.name);
      const to = peerOf(found.provider);
      return [
        {
          consumer: consumer.name,
          consumer_pid: from.pid,
          ...(from.startTime === undefined ? {} : { consumer_start: from.startTime }),
          provider: found.provider,
          provider_pid: to.pid,
          ...(to.startTime === undefined ? {} : { provider_start: to.startTime }),
          name: requirement.name,
          type: found.export.type,
          role: requirement.role ?? "any",
          interface: requirement.interface ?? requirement.target ?? null,
          target: requirement.target ?? null,
          socket: found.export.socket,
          ...mergeExtensions(found.export, requirement, quirks),
        },
      ];
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
  return containers.flatMap(({ name, run }) =>
    run.services.required
      .filter((requirement) => findProvider(containers, requirement, quirks) === undefined)
      .map((requirement) => ({ service: requirement.name, container: name })),
  );
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
  const selector = quirks.has("provider-ignored") ? undefined : requirement.provider;
  for (const { name, exports } of containers) {
    if (selector !== undefined && selector !== name) continue;
    for (const candidate of exports) {
      if (candidate.name !== requirement.name) continue;
      if (requirement.type !== undefined && requirement.type !== candidate.type) continue;
      return { provider: name, export: candidate };
    }
  }
  return undefined;
}
