import { Socket } from "node:net";
import { proxyBytes } from "../planes/byte-plane.ts";
import type { Plugin, Toolbox } from "./plugin.ts";

/** The plugin, or one that carries bytes as they are: no identity, no rules, no limits, no descriptors. */
export function orAsBytes(isOn: (tools: Toolbox) => boolean, strict: Plugin): Plugin {
  return {
    ...strict,
    async onLinkAdded(link, tools) {
      if (isOn(tools)) await tools.injectSplicedSocket(link, () => undefined);
      else await strict.onLinkAdded(link, tools);
    },
    async onAccept(link, consumer, tools) {
      if (!isOn(tools)) {
        await strict.onAccept?.(link, consumer, tools);
        return;
      }
      // Only on kernels where splicing cannot refuse fds.
      const { signal } = consumer;
      const provider = await tools.connectProvider(link, { signal });
      const socket = new Socket({ fd: consumer.take(), allowHalfOpen: true });
      await proxyBytes(socket, provider, signal);
    },
  };
}
