import { Socket } from "node:net";
import { proxyBytes } from "../../planes/byte-plane.ts";
import { dbusIdentity } from "./identity.ts";
import type { ConsumerConnection, Link, Toolbox } from "../plugin.ts";

/** A session whose bytes pass as they are, from the consumer's first AUTH line on. */
export async function passThrough(
  link: Link,
  consumer: ConsumerConnection,
  tools: Toolbox,
): Promise<void> {
  const { signal } = consumer;
  const credentials = dbusIdentity(link, tools);
  const provider = await tools.connectProvider(link, { signal, credentials });
  const socket = new Socket({ fd: consumer.take(), allowHalfOpen: true });
  await proxyBytes(socket, provider, signal);
}
