import type { Link, Toolbox } from "../plugin.ts";
import { checkEventNode } from "./event-node.ts";
import type { OpenOrigin } from "./input-source.ts";
import { NodeOrigin } from "./node-origin.ts";
import { inputOptions } from "./options.ts";
import { SocketOrigin } from "./socket-origin.ts";

/**
 * Opens what is at the provider's path: an event node, or else a socket of frames, for which a
 * provider that has none yet is given time.
 */
export function originOf(link: Link, tools: Toolbox): OpenOrigin {
  return async (owner, signal) => {
    if (!isNode(link, tools)) {
      return new SocketOrigin(await tools.dialProvider(link, { signal }), owner);
    }
    const judge = (facts: Parameters<typeof checkEventNode>[1]) => checkEventNode(link, facts);
    const fd = tools.openProviderNode(link, link.socket, judge);
    return new NodeOrigin(fd, owner, inputOptions(link, tools.quirks));
  };
}

/** True when there is a character device at the provider's path now. */
export function isNode(link: Link, tools: Toolbox): boolean {
  try {
    return tools.statProviderNode(link, link.socket).isCharacterDevice;
  } catch {
    // Nothing there yet: a provider makes its socket when it starts.
    return false;
  }
}
