import type { Socket } from "node:net";
import { proxyBytes } from "../xconnect/byte-plane.ts";
import { saslClientBegin } from "../protocols/sasl/client.ts";
import { DbusAuthentication } from "./dbus-authentication.ts";
import type { Begun } from "./dbus-authentication.ts";
import { dbusIdentity } from "./dbus-identity.ts";
import type { ConsumerConnection, Link, Plugin, Toolbox } from "./plugin.ts";
import { write } from "./socket-chunks.ts";

/** Milliseconds from connecting to BEGIN: dbus-daemon's own auth_timeout. */
const AUTHENTICATION_TIMEOUT = 30_000;

/**
 * Links of type `dbus`: each consumer connection gets a connection of its own to the
 * provider's bus, whose kernel credential and SASL identity are the role's. The consumer's
 * half of the authentication ends at the broker; after BEGIN the session is bytes.
 */
export const dbusPlugin: Plugin = {
  type: "dbus",

  async onLinkAdded(link, tools) {
    tools.log(`pvx-dbus: Injecting socket ${link.target} into pid ${link.consumerPid}`);
    await tools.injectUnixSocket(link);
  },

  async onAccept(link, consumer, tools) {
    tools.log(
      `pvx-dbus: Accepted connection for service ${link.name} from pid ${link.consumerPid}`,
    );
    const { socket, signal } = consumer;
    const provider = tools.quirks.has("dbus-auth-passthrough", "dbus")
      ? await tools.connectProvider(link, { signal, credentials: dbusIdentity(link, tools) })
      : await authenticateInTime(link, consumer, tools);
    if (provider === undefined) return;
    passEarlyEnd(socket, provider);
    passEarlyEnd(provider, socket);
    await proxyBytes(socket, provider, signal, { quirks: tools.quirks, type: "dbus" });
  },
};

/** The connection that each provider's consumers share under the quirk. */
const shared = new Map<string, Socket>();

function begin(link: Link, { provider, messages }: Begun, tools: Toolbox): Socket {
  if (tools.quirks.has("dbus-shared-connection", "dbus")) {
    const first = shared.get(link.provider);
    if (first?.writable === true) {
      provider.destroy();
      write(first, messages);
      return first;
    }
    shared.set(link.provider, provider);
  }
  write(provider, saslClientBegin, messages);
  return provider;
}

/** An end that came before BEGIN was passed on is over: the byte plane would wait for it. */
function passEarlyEnd(source: Socket, sink: Socket): void {
  if (source.destroyed) sink.destroySoon();
  else if (source.readableEnded) sink.end();
}

/** @returns the provider connection; undefined when the consumer has been sent away */
async function authenticateInTime(
  link: Link,
  { socket, signal }: ConsumerConnection,
  tools: Toolbox,
): Promise<Socket | undefined> {
  const timeout = new AbortController();
  const timer = setTimeout(
    () => timeout.abort(new Error(`no BEGIN within ${AUTHENTICATION_TIMEOUT} ms`)),
    AUTHENTICATION_TIMEOUT,
  );
  const either = AbortSignal.any([signal, timeout.signal]);
  const destroy = () => socket.destroy();
  either.addEventListener("abort", destroy, { once: true });
  try {
    const outcome = await new DbusAuthentication(link, socket, tools, either).run();
    if (outcome.type === "begun") return begin(link, outcome, tools);
    tools.warn(
      `pvx-dbus: No session for service ${link.name} from ${link.consumer}: ${outcome.reason}`,
    );
    socket.destroySoon();
    return undefined;
  } catch (error) {
    // The socket fails because it was destroyed: the signal knows why.
    either.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
    either.removeEventListener("abort", destroy);
  }
}
