import type { Link } from "./plugin.ts";

/**
 * Make a function of a link run once per link, so that a graph entry is read and checked only once
 * for all connections. An error is not remembered.
 */
export function oncePerLink<T extends object, More extends readonly unknown[]>(
  read: (link: Link, ...more: More) => T,
): (link: Link, ...more: More) => T {
  const known = new WeakMap<Link, T>();
  return (link, ...more) => {
    const before = known.get(link);
    if (before !== undefined) return before;
    const value = read(link, ...more);
    known.set(link, value);
    return value;
  };
}
