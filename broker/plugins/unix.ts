import type { Link, Plugin } from "./plugin.ts";
import { proxyBytes } from "../xconnect/byte-plane.ts";

/** `unix`: the bytes of a stream socket, untouched, both ways. */
export const unixPlugin: Plugin = {
  type: "unix",

  async onLinkAdded(link, tools) {
    tools.log(`pvx-unix: Injecting socket ${link.target} into pid ${link.consumerPid}`);
    await tools.injectSplicedSocket(link, () => tools.log(acceptedLine(link)));
  },

  async onAccept(link, { socket, signal }, tools) {
    tools.log(acceptedLine(link));
    const provider = await tools.connectProvider(link, { signal });
    await proxyBytes(socket, provider, signal, { quirks: tools.quirks, type: "unix" });
  },
};

function acceptedLine({ name, consumerPid }: Link): string {
  return `pvx-unix: Accepted connection for service ${name} from pid ${consumerPid}`;
}
