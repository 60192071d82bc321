import { propertyOf } from "../thrown.ts";

/** A link as the timeline tells it. */
export interface GraphLink {
  readonly consumer: string;
  readonly provider: string;
  readonly service: string;
  readonly kind: string;
}

/** Links of a graph that are told. */
const MOST = 200;
const LONGEST = 100;

/** @returns undefined for a body that is no graph */
export function linksOf(body: string): GraphLink[] | undefined {
  try {
    const graph: unknown = JSON.parse(body);
    if (!Array.isArray(graph)) return undefined;
    const word = (entry: unknown, key: string): string => {
      const value = propertyOf(entry, key);
      return typeof value === "string" ? value.slice(0, LONGEST) : "";
    };
    return graph.slice(0, MOST).map((entry: unknown) => ({
      consumer: word(entry, "consumer"),
      provider: word(entry, "provider"),
      service: word(entry, "name"),
      kind: word(entry, "type"),
    }));
  } catch {
    return undefined;
  }
}
