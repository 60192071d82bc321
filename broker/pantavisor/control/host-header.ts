/**
 * The Host rule (docs/pantavisor.md §3.1): none, an empty one and `localhost` with any port are
 * this appengine; everything else is foreign and refused, as is more than one.
 */
export type HostKind = "local" | "missing" | "foreign";

/**
 * @param rawHeaders names and values in turn, as node:http gives them
 * @param target     request target; the authority of an absolute one counts as well
 */
export function hostKindOf(rawHeaders: readonly string[], target: string): HostKind {
  const hosts = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === "host",
  );
  const authority = /^[a-z]+:\/\/([^/?#]*)/i.exec(target)?.[1];
  if (authority !== undefined && !isLocal(authority)) return "foreign";
  const [host, ...more] = hosts;
  if (more.length > 0) return "foreign";
  if (host === undefined || host === "") return "missing";
  return isLocal(host) ? "local" : "foreign";
}

function isLocal(host: string): boolean {
  return host === "" || /^localhost(:\d{0,5})?$/i.test(host);
}
