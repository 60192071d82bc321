import { SAFE_NAME } from "../formats/names.ts";
import { LinkRefused } from "./plugin.ts";
import type { Link, Plugin } from "./plugin.ts";
import { restPolicy } from "./rest-rules.ts";
import type { RestPolicy } from "./rest-rules.ts";
import { RestSession } from "./rest-session.ts";

/** Checked once for each link; there may be many connections. */
const policies = new WeakMap<Link, RestPolicy>();

/**
 * Links of type `rest`: HTTP/1 over a unix socket. The provider learns from every request who
 * asks and in which role, and from nobody but the broker. See docs/plugins/rest.md.
 */
export const restPlugin: Plugin = {
  type: "rest",

  async onLinkAdded(link, tools) {
    for (const value of [link.consumer, link.role]) {
      if (!SAFE_NAME.test(value)) {
        throw new LinkRefused(`${JSON.stringify(value)} cannot travel in an HTTP header`);
      }
    }
    policies.set(link, restPolicy(link.role, link.entry));
    tools.log(`pvx-rest: Injecting REST socket ${link.target} into pid ${link.consumerPid}`);
    await tools.injectUnixSocket(link);
  },

  async onAccept(link, consumer, tools) {
    tools.log(
      `pvx-rest: Accepted REST connection for service ${link.name} from ${link.consumer} (pid ${link.consumerPid})`,
    );
    const policy = policies.get(link) ?? restPolicy(link.role, link.entry);
    await new RestSession(link, policy, consumer, tools).run();
  },
};
