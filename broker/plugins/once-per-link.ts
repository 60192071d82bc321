import type { Link } from "./plugin.ts";

/**
 * What a plugin reads from a link's graph entry: read and checked once, however many connections
 * come. What throws is not kept.
 */
export function oncePerLink<T extends object>(read: (link: Link) => T): (link: Link) => T {
  const known = new WeakMap<Link, T>();
  return (link) => {
    const before = known.get(link);
    if (before !== undefined) return before;
    const value = read(link);
    known.set(link, value);
    return value;
  };
}
