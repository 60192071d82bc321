import type { Link, Toolbox } from "../plugin.ts";
import { BroadcastSource } from "./broadcast.quirk.ts";
import { InputSource } from "./input-source.ts";
import type { OpenOrigin } from "./input-source.ts";
import { inputOptions } from "./options.ts";
import { originOf } from "./origin.ts";

/** The sources that are open, by provider process and path. */
const open = new Map<string, InputSource>();

/** The source of a link's events, opened if it is not; a reader has to join it at once. */
export function sourceOf(link: Link, tools: Toolbox): InputSource {
  const key = keyOf(link, tools);
  return open.get(key) ?? openSource(key, originOf(link, tools), tools);
}

function openSource(key: string, origin: OpenOrigin, { quirks }: Toolbox): InputSource {
  const Source = quirks.has("input-broadcast") ? BroadcastSource : InputSource;
  const source: InputSource = new Source(origin, () => {
    // A successor may be open already.
    if (open.get(key) === source) open.delete(key);
  });
  open.set(key, source);
  return source;
}

function keyOf(link: Link, { quirks }: Toolbox): string {
  const { provider, providerPid, socket, entry } = link;
  const { grab } = inputOptions(link, quirks);
  return JSON.stringify([provider, providerPid, entry.provider_start, socket, grab]);
}
