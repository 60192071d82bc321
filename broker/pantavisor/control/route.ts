import type { Caller } from "./caller.ts";
import type { Reply } from "./reply.ts";

/** One endpoint: a path and what its methods do. */
export interface Route {
  /** `/containers/{name}`: a segment in braces is a parameter. */
  readonly path: string;
  readonly methods: Readonly<Record<string, Handler>>;
}

export interface Handler {
  /**
   * Bytes: a request body of at most so many is required and given as text; `stream`: the
   * handler reads `content`. Absent: what there is of a body is thrown away.
   */
  readonly takes?: number | "stream";
  /** `anyone`: also a container without the role mgmt. */
  readonly allows?: "anyone";
  reply(request: EndpointRequest): Reply | Promise<Reply>;
}

export interface EndpointRequest {
  /** Decoded parameters of the path. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: string;
  /** The body as it arrives; only for a handler that takes a stream. */
  readonly content: () => AsyncIterable<Uint8Array>;
  /** Bytes in `content` as the client declares them; 0 when it does not. */
  readonly contentLength: number;
  readonly caller: Caller;
}

export type Match =
  | {
      readonly kind: "found";
      readonly path: string;
      readonly handler: Handler;
      readonly parameters: Record<string, string>;
    }
  | { readonly kind: "wrong-method"; readonly path: string; readonly allow: string }
  | { readonly kind: "unknown" };

/** @param target origin-form or absolute-form; the query is ignored */
export function findRoute(routes: readonly Route[], method: string, target: string): Match {
  const segments = pathOf(target);
  if (segments === undefined) return { kind: "unknown" };
  for (const { path, methods } of routes) {
    const parameters = matchPath(path.split("/"), segments);
    if (parameters === undefined) continue;
    const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (handler !== undefined) return { kind: "found", path, handler, parameters };
    return { kind: "wrong-method", path, allow: Object.keys(methods).join(", ") };
  }
  return { kind: "unknown" };
}

/** Decoded segments: split first, so that %2F stays inside its segment. */
function pathOf(target: string): string[] | undefined {
  const path = target.replace(/^[a-z]+:\/\/[^/?#]*/i, "").replace(/[?#].*$/s, "");
  try {
    return path.split("/").map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function matchPath(
  pattern: readonly string[],
  segments: readonly string[],
): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? "";
    const name = /^\{(.+)\}$/.exec(part)?.[1];
    if (name !== undefined && segment !== "") parameters[name] = segment;
    else if (part !== segment) return undefined;
  }
  return parameters;
}
