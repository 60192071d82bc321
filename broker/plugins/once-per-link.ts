import type { Link } from "./plugin.ts";

/**
 * What a plugin reads from a link's graph entry: read and checked once, however many connections
 * come. What throws is not kept.
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
