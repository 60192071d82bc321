import type { FdType } from "../../../shared/formats/fd-types.ts";
import { letPromisesRun } from "../../../shared/linux/stream-loop.ts";
import type { Quirks } from "../../../shared/quirks/quirks.ts";
import { allowedFds } from "../allowed-fds.ts";
import { passThrough } from "./auth-passthrough.quirk.ts";
import { DbusAuthentication } from "./authentication.ts";
import type { AuthenticatedConsumer } from "./authentication.ts";
import { notTaken } from "./claim.ts";
import { describeDecision } from "./description.ts";
import { DbusFilter } from "./filter.ts";
import { rewriteFirstLine } from "./first-line.quirk.ts";
import type { FilterOptions } from "./filter-options.ts";
import { DbusPolicy } from "./policy.ts";
import { rulesOf } from "./rules.ts";
import { DbusSession } from "./session.ts";
import { firstConnection, firstLink } from "./shared-provider.quirk.ts";
import { oncePerLink } from "../once-per-link.ts";
import type { ConsumerConnection, Link, Plugin, Toolbox } from "../plugin.ts";

/** Most denials of one session that are logged. */
const MAX_LOGGED = 10;

/**
 * Links of type `dbus`: each consumer connection gets a connection of its own to the provider's
 * bus, with the role's kernel credentials and SASL identity. The consumer's authentication ends at
 * the broker; after BEGIN each message has to pass the link's rules. See docs/plugins/dbus.md.
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

  onAccept(accepted, consumer, tools) {
    const link = tools.quirks.has("dbus-shared-listener", "dbus") ? firstLink(accepted) : accepted;
    tools.log(
      `pvx-dbus: Accepted connection for service ${link.name} from pid ${link.consumerPid}`,
    );
    if (tools.quirks.has("dbus-first-line-only", "dbus")) {
      return rewriteFirstLine(link, consumer, tools);
    }
    return tools.quirks.has("dbus-auth-passthrough", "dbus")
      ? passThrough(link, consumer, tools)
      : serve(link, consumer, tools);
  },
};

/** One object for all sessions of a link, so that dbus-opening writes their messages only once. */
const filterOptionsOf = oncePerLink((link, quirks: Quirks): FilterOptions => {
  const { consumer: client, role } = link;
  return { policy: new DbusPolicy(rulesOf(link)), quirks, client, role };
});

/** @returns when the session has ended */
function serve(link: Link, consumer: ConsumerConnection, tools: Toolbox): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  new DbusAuthentication(link, consumer, tools, (outcome) => {
    if (outcome.type === "authenticated") {
      resolve(filterMessages(link, outcome, consumer, tools));
      return;
    }
    if (outcome.type === "failed") {
      reject(outcome.error);
    } else {
      reportNoSession(link, outcome.reason, tools);
      resolve(undefined);
    }
    letPromisesRun();
  });
  return promise;
}

const NO_FDS: ReadonlySet<FdType> = new Set();

async function filterMessages(
  link: Link,
  authenticated: AuthenticatedConsumer,
  connection: ConsumerConnection,
  tools: Toolbox,
): Promise<undefined> {
  const { quirks, decision: tell } = tools;
  const who = `${link.consumer}/${link.name}`;
  let logged = 0;
  const { provider, preamble, authReply } = quirks.has("dbus-shared-connection", "dbus")
    ? firstConnection(link, authenticated)
    : authenticated;
  await new DbusSession({
    consumer: authenticated.consumer,
    provider,
    authReply,
    filter: new DbusFilter(filterOptionsOf(link, quirks)),
    quirks,
    connection,
    allowedFds: authenticated.passesFds ? allowedFds(link) : NO_FDS,
    onBytes: (from, count) => {
      tools.count(link, from === "consumer" ? "bytesFromConsumer" : "bytesToConsumer", count);
    },
    onRefused: (reason) => {
      reportNoSession(link, notTaken(link, authenticated.credentials, reason), tools);
    },
    onFailure: (error) => {
      tools.note(link, error);
      tools.warn(`pvx-dbus: ${who}: ${String(error)}`);
    },
    onDenied: (what) => {
      tools.count(link, "rejections");
      logged += 1;
      if (logged <= MAX_LOGGED) tools.log(`pvx-dbus: Denied ${who}: ${what}`);
    },
    onDecision:
      tell && ((from, header, decision) => tell(link, describeDecision(from, header, decision))),
    onMalformed: (side, reason) => {
      tools.count(link, "rejections");
      tools.note(link, `the ${side} sent ${reason}`);
      tools.warn(`pvx-dbus: Closing a session of ${who}: the ${side} sent ${reason}`);
    },
  }).run(preamble, authenticated.messages);
}

function reportNoSession(link: Link, reason: string, tools: Toolbox): void {
  tools.note(link, `no session: ${reason}`);
  tools.warn(`pvx-dbus: No session for service ${link.name} from ${link.consumer}: ${reason}`);
}
