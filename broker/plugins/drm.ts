import { posix } from "node:path";
import { drmRefusal } from "./drm-node.ts";
import { LinkRefused } from "./plugin.ts";
import type { FileFacts, Link, Plugin, Toolbox } from "./plugin.ts";

/**
 * `drm`: the provider's device node appears in the consumer with the same number, owner and
 * mode. There is nothing to mediate afterwards: the kernel serves whoever opens it.
 */
export const drmPlugin: Plugin = {
  type: "drm",

  async onLinkAdded(link, tools) {
    tools.log(`pvx-drm: Adding DRM link for ${link.consumer} (role: ${link.role})`);
    tools.log(`pvx-drm: Target: ${link.target}, Provider Node: ${link.socket}`);
    tools.log("pvx-drm: Calling helper to inject devnode...");
    const facts = inspect(link, tools);
    const refusal = drmRefusal(facts, link.role, tools.quirks);
    if (refusal !== undefined) {
      throw new LinkRefused(`${link.socket} of ${link.provider}: ${refusal}`);
    }
    tools.log(`pvx-helper: Entering consumer namespace /proc/${link.consumerPid}/ns/mnt`);
    tools.log(`pvx-helper: Creating directory ${posix.dirname(link.target)}`);
    tools.log(`pvx-helper: Mknod ${link.target}`);
    const minor = tools.quirks.has("drm-wrong-minor") ? facts.minor + 1 : facts.minor;
    await tools.injectDevnode(link, { ...facts, minor });
    tools.log("pvx-drm: Helper returned 0");
  },
};

function inspect(link: Link, tools: Toolbox): FileFacts {
  tools.log(`pvx-helper: Statting provider node /proc/${link.providerPid}/root${link.socket}`);
  const facts = statNode(link, tools);
  tools.log(`pvx-helper: Found device 0x${deviceWord(facts)} (mode 0x${modeWord(facts)})`);
  return facts;
}

function statNode(link: Link, tools: Toolbox): FileFacts {
  try {
    return tools.statProviderNode(link, link.socket);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`no ${link.socket} in ${link.provider}: ${why}`, { cause: error });
  }
}

/** st_rdev as the documented line prints it. */
function deviceWord({ major, minor }: FileFacts): string {
  return ((major << 8) | (minor & 0xff) | ((minor & ~0xff) << 12)).toString(16);
}

/** st_mode as the documented line prints it; S_IFCHR where it is a character device. */
function modeWord({ isCharacterDevice, mode }: FileFacts): string {
  const S_IFCHR = 0o020000;
  return ((isCharacterDevice ? S_IFCHR : 0) | mode).toString(16);
}
