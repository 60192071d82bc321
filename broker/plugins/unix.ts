import { MessageSocket } from "../linux/message-socket.ts";
import { takeDescriptor } from "../linux/take-descriptor.ts";
import { proxyBytes } from "../xconnect/byte-plane.ts";
import type { Link, Plugin, Toolbox } from "./plugin.ts";
import { unixOptions } from "./unix-options.ts";
import type { UnixOptions } from "./unix-options.ts";
import { serveMessages } from "./unix-session.ts";

/**
 * `unix`: a socket's bytes or packets, untouched, both ways, with the fds that both manifests
 * list and the identity that the export asks for.
 */
export const unixPlugin: Plugin = {
  type: "unix",

  async onLinkAdded(link, tools) {
    const { socketType } = unixOptions(link.entry);
    tools.log(`pvx-unix: Injecting socket ${link.target} into pid ${link.consumerPid}`);
    if (socketType === "seqpacket") await tools.injectPacketSocket(link);
    else await tools.injectUnixSocket(link);
  },

  async onAccept(link, { socket, signal }, tools) {
    logAccepted(link, tools);
    if (isPlain(unixOptions(link.entry))) {
      const provider = await tools.connectProvider(link, { signal });
      await proxyBytes(socket, provider, signal, { quirks: tools.quirks, type: "unix" });
    } else {
      const consumer = new MessageSocket(takeDescriptor(socket), "stream");
      await serveMessages(link, consumer, signal, tools);
    }
  },

  async onAcceptPackets(link, { socket, signal }, tools) {
    logAccepted(link, tools);
    await serveMessages(link, socket, signal, tools);
  },
};

/** Nothing but bytes: no fd passes, and the provider is told nothing. */
function isPlain({ identity, fds }: UnixOptions): boolean {
  return identity === "none" && fds.size === 0;
}

function logAccepted({ name, consumerPid }: Link, tools: Toolbox): void {
  tools.log(`pvx-unix: Accepted connection for service ${name} from pid ${consumerPid}`);
}
