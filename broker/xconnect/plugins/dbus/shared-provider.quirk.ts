import type { PolledStream } from "../../../shared/linux/polled-stream.ts";
import type { AuthenticatedConsumer } from "./authentication.ts";
import type { Link } from "../plugin.ts";

const links = new Map<string, Link>();

/** The link for which all consumers of a provider are taken. */
export function firstLink(link: Link): Link {
  const first = links.get(link.provider) ?? link;
  links.set(link.provider, first);
  return first;
}

const connections = new Map<string, PolledStream>();

/** The connection to a provider that all its consumers share. */
export function firstConnection(
  { provider }: Link,
  authenticated: AuthenticatedConsumer,
): Pick<AuthenticatedConsumer, "provider" | "preamble" | "authReply"> {
  const first = connections.get(provider);
  if (first?.closed === false) {
    authenticated.provider.close();
    return { provider: first, preamble: Buffer.alloc(0), authReply: undefined };
  }
  connections.set(provider, authenticated.provider);
  return authenticated;
}
