import { posix } from "node:path";
import { messageOf } from "../../../shared/message-of.ts";
import { denyByCgroup } from "./drm-cgroup-denied.quirk.ts";
import { drmRefusal } from "./node-class.ts";
import { drmNodePath } from "./role-nodes.ts";
import { LinkRefused } from "../plugin.ts";
import type { FileFacts } from "../../peers/file-facts.ts";
import type { Link, Plugin, Toolbox } from "../plugin.ts";

/**
 * `drm`: the provider's device node appears in the consumer with the same number, owner and
 * mode. There is nothing to mediate afterwards: the kernel serves each open(2).
 */
export const drmPlugin: Plugin = {
  type: "drm",

  async onLinkAdded(link, tools) {
    tools.log(`pvx-drm: Adding DRM link for ${link.consumer} (role: ${link.role})`);
    const node = drmNodePath(link.entry);
    tools.log(`pvx-drm: Target: ${link.target}, Provider Node: ${node}`);
    tools.log("pvx-drm: Calling helper to inject devnode...");
    const facts = inspect(link, node, tools);
    const refusal = drmRefusal(facts, link.role, tools.quirks);
    if (refusal !== undefined) throw new LinkRefused(`${node} of ${link.provider}: ${refusal}`);
    tools.log(`pvx-helper: Entering consumer namespace /proc/${link.consumerPid}/ns/mnt`);
    tools.log(`pvx-helper: Creating directory ${posix.dirname(link.target)}`);
    tools.log(`pvx-helper: Mknod ${link.target}`);
    const minor = tools.quirks.has("drm-wrong-minor") ? facts.minor + 1 : facts.minor;
    await tools.injectDevnode(link, { ...facts, minor });
    tools.log("pvx-drm: Helper returned 0");
    if (tools.quirks.has("drm-cgroup-denied")) await denyByCgroup(link);
    diagnose(link, facts, tools).catch((error: unknown) => tools.note(link, error));
  },
};

/**
 * Warn when the device cgroup denies the node: programs would see it and fail to open it. Nothing waits for
 * that: the answer takes long on a busy machine, and for ever in a cgroup that its container has frozen.
 */
async function diagnose(link: Link, { major, minor }: FileFacts, tools: Toolbox): Promise<void> {
  if (tools.quirks.has("drm-denial-silent")) return;
  if ((await tools.isDeviceDenied(link)) !== true) return;
  const line =
    `${link.consumer}/${link.name}: ${link.target} cannot be opened in ${link.consumer}: ` +
    `its device cgroup denies ${major}:${minor}`;
  tools.note(link, line);
  tools.warn(`pvx-drm: ${line}`);
}

function inspect(link: Link, node: string, tools: Toolbox): FileFacts {
  tools.log(`pvx-helper: Statting provider node /proc/${link.providerPid}/root${node}`);
  const facts = statNode(link, node, tools);
  tools.log(`pvx-helper: Found device 0x${deviceWord(facts)} (mode 0x${modeWord(facts)})`);
  return facts;
}

function statNode(link: Link, node: string, tools: Toolbox): FileFacts {
  try {
    return tools.statProviderNode(link, node);
  } catch (error) {
    throw new Error(`no ${node} in ${link.provider}: ${messageOf(error)}`, { cause: error });
  }
}

/** The device number as the documented line prints it (st_rdev). */
function deviceWord({ major, minor }: FileFacts): string {
  return ((major << 8) | (minor & 0xff) | ((minor & ~0xff) << 12)).toString(16);
}

/** The mode as the documented line prints it (st_mode), with S_IFCHR for a character device. */
function modeWord({ isCharacterDevice, mode }: FileFacts): string {
  const S_IFCHR = 0o020000;
  return ((isCharacterDevice ? S_IFCHR : 0) | mode).toString(16);
}
