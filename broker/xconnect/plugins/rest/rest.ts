import { SAFE_NAME } from "../../../shared/formats/names.ts";
import { oncePerLink } from "../once-per-link.ts";
import { LinkRefused } from "../plugin.ts";
import type { Plugin, Toolbox } from "../plugin.ts";
import { orAsBytes } from "../as-bytes.quirk.ts";
import { restPolicy } from "./rules.ts";
import { RestSession } from "./session.ts";

const policyOf = oncePerLink(({ role, entry }) => restPolicy(role, entry));

const isAsBytes = ({ quirks }: Toolbox) => quirks.has("rest-as-bytes", "rest");

/**
 * Links of type `rest`: HTTP/1 over a unix socket. The provider learns from every request who
 * asks and in which role, and from nobody but the broker. See docs/plugins/rest.md.
 */
export const restPlugin: Plugin = orAsBytes(isAsBytes, {
  type: "rest",

  async onLinkAdded(link, tools) {
    for (const value of [link.consumer, link.role]) {
      if (!SAFE_NAME.test(value)) {
        throw new LinkRefused(`${JSON.stringify(value)} cannot travel in an HTTP header`);
      }
    }
    policyOf(link);
    tools.log(`pvx-rest: Injecting REST socket ${link.target} into pid ${link.consumerPid}`);
    await tools.injectUnixSocket(link);
  },

  async onAccept(link, consumer, tools) {
    tools.log(
      `pvx-rest: Accepted REST connection for service ${link.name} from ${link.consumer} (pid ${link.consumerPid})`,
    );
    await new RestSession(link, policyOf(link), consumer, tools).run();
  },
});
