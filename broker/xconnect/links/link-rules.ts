import { SAFE_NAME } from "../../shared/formats/names.ts";
import type { GraphEntry } from "../../shared/formats/graph.ts";

/**
 * The reason why a graph entry can never become a link, or undefined. Its names go into headers,
 * cgroup paths and log lines, its paths into system calls.
 */
export function entryProblem(entry: GraphEntry): string | undefined {
  for (const part of ["consumer", "provider", "name", "role"] as const) {
    if (!SAFE_NAME.test(entry[part])) {
      return `${part} ${JSON.stringify(entry[part])} must match ${SAFE_NAME.source}`;
    }
  }
  if (entry.target === null) return "the requirement names no target path";
  return pathProblem("target", entry.target) ?? pathProblem("socket", entry.socket);
}

/** Why a path cannot be a link's target or socket, or undefined. */
export function pathProblem(what: string, path: string): string | undefined {
  const shown = `${what} ${JSON.stringify(path)}`;
  if (!path.startsWith("/")) return `${shown} is not an absolute path`;
  if (/[\0-\x1f\x7f]/.test(path)) return `${shown} holds control characters`;
  if (path.endsWith("/")) return `${shown} names a directory`;
  const parts = path.split("/");
  if (parts.includes("..") || parts.at(-1) === ".") return `${shown} is not a plain path`;
  return undefined;
}
