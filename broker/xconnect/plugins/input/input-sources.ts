import type { Link, Toolbox } from "../plugin.ts";
import { BroadcastSource } from "./broadcast.quirk.ts";
import { InputSource } from "./input-source.ts";
import type { EventReader, OpenOrigin } from "./input-source.ts";
import { inputOptions } from "./options.ts";
import { originOf } from "./origin.ts";

/** The sources that are open, by provider process and path. */
const open = new Map<string, InputSource>();

/**
 * Let a reader have the events of a link's provider.
 * @returns a function that ends that
 */
export function readEvents(link: Link, tools: Toolbox, reader: EventReader): () => void {
  const key = keyOf(link, tools);
  const source = open.get(key) ?? openSource(key, originOf(link, tools), tools);
  source.join(reader);
  return () => source.leave(reader);
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
