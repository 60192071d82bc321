import { closeSync } from "node:fs";
import { describeDevice } from "../../../shared/linux/evdev.ts";
import { makeUinputDevice } from "../../../shared/linux/uinput.ts";
import type { UinputDevice } from "../../../shared/linux/uinput.ts";
import { messageOf } from "../../../shared/message-of.ts";
import type { EventFilter } from "../../../shared/protocols/input/event-filter.ts";
import type { FileFacts } from "../../peers/file-facts.ts";
import { LinkRefused } from "../plugin.ts";
import type { Link, Toolbox } from "../plugin.ts";
import { DeviceReader, limitedTo } from "./device-reader.ts";
import { checkEventNode } from "./event-node.ts";
import { sourceOf } from "./input-sources.ts";
import { inputOptions } from "./options.ts";

/** The readers that write to a device, by their link. */
const devices = new WeakMap<Link, DeviceReader>();

/**
 * Give the consumer a device node: the provider's device again, with the codes that pass.
 * @throws LinkRefused where the provider has no event node, or the kernel no uinput
 */
export async function addDevice(link: Link, tools: Toolbox): Promise<void> {
  const { filter } = inputOptions(link, tools.quirks);
  const facts = tools.statProviderNode(link, link.socket);
  const device = makeDevice(link, tools, filter);
  try {
    const { major, minor } = device;
    tools.log(`pvx-input: Injecting event node ${link.target} into pid ${link.consumerPid}`);
    await tools.injectDevnode(link, { ...facts, major, minor });
    startReading(link, tools, device, filter);
  } catch (error) {
    device.close();
    throw error;
  }
  await diagnose(link, device, tools);
}

/** Destroy the link's device, if it has one. */
export function removeDevice(link: Link): void {
  devices.get(link)?.end(undefined);
}

function makeDevice(link: Link, tools: Toolbox, filter: EventFilter): UinputDevice {
  // A stream of events does not say what its device is, so only a node can be made again.
  const judge = (facts: FileFacts) => checkEventNode(link, facts);
  const node = tools.openProviderNode(link, link.socket, judge);
  try {
    const description = limitedTo(filter, describeDevice(node));
    return makeUinputDevice({ ...description, phys: `pvx/${link.consumer}/${link.name}` });
  } catch (error) {
    throw new LinkRefused(`no device like ${link.socket} can be made: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    closeSync(node);
  }
}

function startReading(link: Link, tools: Toolbox, device: UinputDevice, filter: EventFilter): void {
  const reader: DeviceReader = new DeviceReader(device, {
    filter,
    onClosed: (why) => {
      source.leave(reader);
      if (why === undefined) return;
      tools.note(link, why);
      tools.warn(`pvx-input: ${link.consumer}/${link.name}: ${messageOf(why)}`);
    },
  });
  devices.set(link, reader);
  const source = sourceOf(link, tools);
  source.join(reader);
}

/** Warn when the device cgroup denies the node: programs would see it and fail to open it. */
async function diagnose(link: Link, { major, minor }: UinputDevice, tools: Toolbox): Promise<void> {
  if ((await tools.isDeviceDenied(link)) !== true) return;
  const line =
    `${link.consumer}/${link.name}: ${link.target} cannot be opened in ${link.consumer}: ` +
    `its device cgroup denies ${major}:${minor}`;
  tools.note(link, line);
  tools.warn(`pvx-input: ${line}`);
}
