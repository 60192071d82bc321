import { Socket } from "node:net";
import type { FdType } from "../formats/fd-types.ts";
import type { PolledStream } from "../linux/polled-stream.ts";
import { saslClientBegin } from "../protocols/sasl/client.ts";
import type { Quirks } from "../quirks/quirks.ts";
import { proxyBytes } from "../xconnect/byte-plane.ts";
import { allowedFds } from "./allowed-fds.ts";
import { DbusAuthentication } from "./dbus-authentication.ts";
import type { Begun } from "./dbus-authentication.ts";
import { DbusFilter } from "./dbus-filter.ts";
import { dbusIdentity } from "./dbus-identity.ts";
import { DbusPolicy } from "./dbus-policy.ts";
import { rulesOf } from "./dbus-rules.ts";
import { DbusSession } from "./dbus-session.ts";
import type { Link, Plugin, Toolbox } from "./plugin.ts";
import { StreamReader } from "./stream-reader.ts";

/** Milliseconds from connecting to BEGIN: dbus-daemon's own auth_timeout. */
const AUTHENTICATION_TIMEOUT = 30_000;

/** Denials of one session that are logged. */
const MAX_LOGGED = 10;

/**
 * Links of type `dbus`: each consumer connection gets a connection of its own to the
 * provider's bus, whose kernel credential and SASL identity are the role's. The consumer's
 * half of the authentication ends at the broker; after BEGIN each message has to pass the
 * link's rules. See docs/plugins/dbus.md.
 */
export const dbusPlugin: Plugin = {
  type: "dbus",

  async onLinkAdded(link, tools) {
    allowedFds(link);
    if (rulesOf(link).every((list) => list.length === 0)) {
      tools.warn(
        `pvx-dbus: ${link.consumer}/${link.name}: no rules for role '${link.role}' and no interface, only the bus itself can be reached`,
      );
    }
    tools.log(`pvx-dbus: Injecting socket ${link.target} into pid ${link.consumerPid}`);
    await tools.injectUnixSocket(link);
  },

  async onAccept(accepted, consumer, tools) {
    const link = tools.quirks.has("dbus-shared-listener", "dbus") ? firstOf(accepted) : accepted;
    tools.log(
      `pvx-dbus: Accepted connection for service ${link.name} from pid ${link.consumerPid}`,
    );
    const { signal } = consumer;
    if (tools.quirks.has("dbus-auth-passthrough", "dbus")) {
      const credentials = dbusIdentity(link, tools);
      const provider = await tools.connectProvider(link, { signal, credentials });
      const socket = new Socket({ fd: consumer.take(), allowHalfOpen: true });
      await proxyBytes(socket, provider, signal);
      return;
    }
    const policy = new DbusPolicy(rulesOf(link));
    const reader = new StreamReader(consumer.take(), {
      receivesFds: allowedFds(link).size > 0,
    });
    const begun = await authenticateInTime(link, { consumer: reader, signal }, tools);
    if (begun === undefined) return;
    await filterMessages(link, policy, { consumer: reader.stream, signal }, begun, tools);
  },
};

const NO_FDS: ReadonlySet<FdType> = new Set();

async function filterMessages(
  link: Link,
  policy: DbusPolicy,
  { consumer, signal }: { consumer: PolledStream; signal: AbortSignal },
  begun: Begun,
  tools: Toolbox,
): Promise<void> {
  const { quirks } = tools;
  const who = `${link.consumer}/${link.name}`;
  let logged = 0;
  const { provider, preamble } = beginning(link, begun, quirks);
  await new DbusSession({
    consumer,
    provider,
    filter: new DbusFilter({ policy, quirks, client: link.consumer, role: link.role }),
    quirks,
    signal,
    allowedFds: begun.passesFds ? allowedFds(link) : NO_FDS,
    onBytes: (from, count) => {
      tools.count(link, from === "consumer" ? "bytesFromConsumer" : "bytesToConsumer", count);
    },
    onFailure: (error) => tools.warn(`pvx-dbus: ${who}: ${String(error)}`),
    onDenied: (what) => {
      logged += 1;
      if (logged <= MAX_LOGGED) tools.log(`pvx-dbus: Denied ${who}: ${what}`);
    },
    onMalformed: (side, reason) => {
      tools.warn(`pvx-dbus: Closing a session of ${who}: the ${side} sent ${reason}`);
    },
  }).run(preamble, begun.messages);
}

/** The connection that each provider's consumers share under the quirk. */
const shared = new Map<string, PolledStream>();

function beginning(
  link: Link,
  { provider }: Begun,
  quirks: Quirks,
): { provider: PolledStream; preamble: Buffer } {
  if (quirks.has("dbus-shared-connection", "dbus")) {
    const first = shared.get(link.provider);
    if (first?.closed === false) {
      provider.close();
      return { provider: first, preamble: Buffer.alloc(0) };
    }
    shared.set(link.provider, provider);
  }
  return { provider, preamble: saslClientBegin };
}

/** The link that all consumers of a provider are taken for under the quirk. */
const firstLinks = new Map<string, Link>();

function firstOf(link: Link): Link {
  const first = firstLinks.get(link.provider) ?? link;
  firstLinks.set(link.provider, first);
  return first;
}

/** @returns undefined when the consumer has been sent away */
async function authenticateInTime(
  link: Link,
  { consumer, signal }: { consumer: StreamReader; signal: AbortSignal },
  tools: Toolbox,
): Promise<Begun | undefined> {
  const ending = new AbortController();
  const abort = () => ending.abort(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const timer = setTimeout(() => {
    ending.abort(new Error(`no BEGIN within ${AUTHENTICATION_TIMEOUT} ms`));
  }, AUTHENTICATION_TIMEOUT);
  try {
    const outcome = await new DbusAuthentication(link, consumer, tools, ending.signal).run();
    if (outcome.type === "begun") return outcome;
    tools.warn(
      `pvx-dbus: No session for service ${link.name} from ${link.consumer}: ${outcome.reason}`,
    );
    consumer.stream.closeSoon();
    return undefined;
  } catch (error) {
    consumer.stream.close();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
