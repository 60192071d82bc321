import { INTERFACES, knownVersion } from "../../../shared/protocols/wayland/interfaces.ts";
import { orAsBytes } from "../as-bytes.quirk.ts";
import type { ConsumerConnection, Link, Plugin, Toolbox } from "../plugin.ts";
import { globalPolicyOf } from "./global-policy.ts";
import type { GlobalPolicy } from "./global-policy.ts";
import { SUDDEN_END, hiddenBasicsHint } from "./hidden-basics.ts";
import { Mediator } from "./mediator.ts";
import { WaylandSession } from "./session.ts";
import { contextOf, forgetContext } from "./link-contexts.ts";
import { SharedSession } from "./shared-session.quirk.ts";

const isAsBytes = ({ quirks }: Toolbox) => quirks.has("wl-as-bytes", "wayland");

/**
 * Links of type `wayland`: each consumer connection gets a connection of its own to the provider's
 * compositor. Every message of both sides is judged; globals that the link does not allow do not
 * exist for the consumer. See docs/plugins/wayland.md.
 */
export const waylandPlugin: Plugin = orAsBytes(isAsBytes, {
  type: "wayland",

  async onLinkAdded(link, tools) {
    if (globalPolicyOf(link).size === 0) {
      tools.warn(
        `pvx-wayland: ${link.consumer}/${link.name}: no globals for role '${link.role}', no client can draw`,
      );
    }
    tools.log(`pvx-wayland: Injecting socket ${link.target} into pid ${link.consumerPid}`);
    await tools.injectUnixSocket(link);
  },

  async onAccept(link, connection, tools) {
    tools.log(
      `pvx-wayland: Accepted connection for service ${link.name} from pid ${link.consumerPid}`,
    );
    const dialled = dial(link, connection, tools);
    const compositor = typeof dialled === "number" ? dialled : await dialled;
    await serve(link, connection, compositor, tools);
  },

  onLinkRemoved(link) {
    forgetContext(link);
  },
});

/**
 * Connect to the compositor, through the link's security context where it has one. A session never
 * goes without: filling the context's backlog must not help a consumer out of its sandbox.
 */
function dial(
  link: Link,
  connection: ConsumerConnection,
  tools: Toolbox,
): number | Promise<number> {
  const context = contextOf(link, tools);
  if (context instanceof Promise) return context.then(() => dial(link, connection, tools));
  if (context === undefined) return tools.dialProvider(link, { signal: connection.signal });
  try {
    return context.connect();
  } catch (error) {
    // The compositor may have gone: its successor is asked anew, for the next session.
    forgetContext(link);
    throw error;
  }
}

/** @param compositor socket, owned from here on */
async function serve(
  link: Link,
  connection: ConsumerConnection,
  compositor: number,
  tools: Toolbox,
): Promise<void> {
  const { quirks, decision: tell } = tools;
  const who = `${link.consumer}/${link.name} (role ${link.role})`;
  const policy = quirks.has("wl-no-filter", "wayland") ? everything() : globalPolicyOf(link);
  let askedAt: number | undefined;
  const mediator = new Mediator(policy, {
    onRegistry: () => (askedAt ??= performance.now()),
    onGlobal: tell && ((text) => tell(link, text)),
  });
  const kind = quirks.has("wl-shared-session", "wayland") ? SharedSession : WaylandSession;
  const session = new kind(connection.take(), compositor, {
    mediator,
    quirks,
    connection,
    onBytes: (from, count) => {
      tools.count(link, from === "consumer" ? "bytesFromConsumer" : "bytesToConsumer", count);
    },
    onFault: (side, { message }) => {
      const what = side === "consumer" ? `refused: ${message}` : `the compositor sent ${message}`;
      tools.count(link, "rejections");
      tools.note(link, what);
      tools.warn(`pvx-wayland: Closing a session of ${who}: ${what}`);
    },
    onFailure: (error) => {
      tools.note(link, error);
      tools.warn(`pvx-wayland: ${who}: ${String(error)}`);
    },
  });
  await session.run();
  if (askedAt === undefined || performance.now() - askedAt > SUDDEN_END) return;
  const hint = hiddenBasicsHint(mediator.registry.hidden);
  if (hint === undefined || hinted.has(link)) return;
  hinted.add(link);
  tools.log(`pvx-wayland: A session of ${who} ended within a second: ${hint}`);
}

/** Links whose log has the hint already. */
const hinted = new WeakSet<Link>();

function everything(): GlobalPolicy {
  return new Map([...INTERFACES].map((name) => [name, knownVersion(name)]));
}
