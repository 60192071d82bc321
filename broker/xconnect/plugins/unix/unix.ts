import { MessageSocket } from "../../../shared/linux/message-socket.ts";
import type { Link, Plugin, Toolbox } from "../plugin.ts";
import { optionsOf } from "./options.ts";
import type { UnixOptions } from "./options.ts";
import { serveMessages } from "./session.ts";

/**
 * `unix`: carries a socket's bytes or packets unchanged both ways, with the fds that both manifests
 * list and the identity that the export asks for.
 */
export const unixPlugin: Plugin = {
  type: "unix",

  async onLinkAdded(link, tools) {
    const options = optionsOf(link, tools.quirks);
    tools.log(`pvx-unix: Injecting socket ${link.target} into pid ${link.consumerPid}`);
    if (options.socketType === "seqpacket") await tools.injectPacketSocket(link);
    else if (isPlain(options))
      await tools.injectSplicedSocket(link, (count) => logAccepted(link, tools, count));
    else await tools.injectUnixSocket(link);
  },

  async onAccept(link, consumer, tools) {
    logAccepted(link, tools);
    // Plain links come here too where splicing cannot refuse fds: here fds end the session.
    const socket = new MessageSocket(consumer.take(), optionsOf(link, tools.quirks).socketType);
    await serveMessages(link, socket, consumer.signal, tools);
  },
};

/** True for a link of bytes only: no fds may pass, and the provider gets no identity. */
function isPlain({ identity, fds }: UnixOptions): boolean {
  return identity === "none" && fds.size === 0;
}

function logAccepted({ name, consumerPid }: Link, tools: Toolbox, count = 1): void {
  tools.log(`pvx-unix: Accepted connection for service ${name} from pid ${consumerPid}`, count);
}
