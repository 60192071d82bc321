import type { Link, Toolbox } from "../plugin.ts";
import { askForContext } from "./security-context.ts";
import type { SecurityContext } from "./security-context.ts";

/** Answer of a link's compositor: null when it offers no security context, a promise until then. */
type Known = SecurityContext | null | Promise<void>;
const known = new Map<Link, Known>();

/**
 * The security context of a link's sessions, for which its compositor is asked once.
 * @returns undefined when it offers none; a promise while it is asked, after which to call again,
 *          and which rejects when it does not answer
 */
export function contextOf(link: Link, tools: Toolbox): SecurityContext | undefined | Promise<void> {
  const found = known.get(link);
  if (found !== undefined) return found ?? undefined;
  const asking = ask(link, tools).catch((error: unknown) => {
    if (known.get(link) === asking) known.delete(link);
    throw error;
  });
  known.set(link, asking);
  return asking;
}

/** Forget it: the link or the compositor has gone. The compositor listens no more. */
export function forgetContext(link: Link): void {
  const found = known.get(link);
  known.delete(link);
  if (found instanceof Promise) return;
  found?.[Symbol.dispose]();
}

async function ask(link: Link, tools: Toolbox): Promise<void> {
  // No session's own signal: others wait for the answer, too.
  const { signal } = new AbortController();
  const fd = await tools.dialProvider(link, { signal });
  const context = await askForContext(fd, { app: link.consumer, instance: link.name });
  if (!known.has(link)) {
    context?.[Symbol.dispose]();
    throw new Error("the link has gone");
  }
  known.set(link, context ?? null);
  if (context === undefined) return;
  tools.log(`pvx-wayland: ${link.consumer}/${link.name}: sessions have a security context`);
}
