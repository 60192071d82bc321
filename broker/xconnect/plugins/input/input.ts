import { letPromisesRun } from "../../../shared/linux/stream-loop.ts";
import { MalformedEvents } from "../../../shared/protocols/input/frame-reader.ts";
import type { ConsumerConnection, Link, Plugin, Toolbox } from "../plugin.ts";
import { addDevice, removeDevice } from "./device-link.ts";
import { DroppingReader } from "./dropping-reader.quirk.ts";
import { checkEventNode } from "./event-node.ts";
import { sourceOf } from "./input-sources.ts";
import { inputOptions } from "./options.ts";
import { isNode } from "./origin.ts";
import { SilentReader } from "./silent-overflow.quirk.ts";
import { StreamReader } from "./stream-reader.ts";

/**
 * `input`: events of the provider's device reach the consumer, those that both manifests allow, and
 * nothing goes the other way. See docs/plugins/input.md.
 */
export const inputPlugin: Plugin = {
  type: "input",

  async onLinkAdded(link, tools) {
    const { form } = inputOptions(link, tools.quirks);
    if (form === "node") {
      await addDevice(link, tools);
      return;
    }
    // Refuse another device at once. A socket may come later.
    if (isNode(link, tools)) checkEventNode(link, tools.statProviderNode(link, link.socket));
    tools.log(`pvx-input: Injecting event socket ${link.target} into pid ${link.consumerPid}`);
    await tools.injectUnixSocket(link);
  },

  onLinkRemoved(link) {
    removeDevice(link);
  },

  async onAccept(link, consumer, tools) {
    tools.log(
      `pvx-input: Accepted connection for service ${link.name} from pid ${link.consumerPid}`,
    );
    await serveStream(link, consumer, tools);
  },
};

/**
 * Carry a session from the accepted connection to its end.
 * @throws the fault of the provider that has ended it
 */
async function serveStream(
  link: Link,
  consumer: ConsumerConnection,
  tools: Toolbox,
): Promise<void> {
  const closed = Promise.withResolvers<undefined>();
  const { filter } = inputOptions(link, tools.quirks);
  const reader: StreamReader = new (readerClass(tools))(consumer.take(), {
    filter,
    count: (counter, by) => tools.count(link, counter, by),
    onClosed: (why) => {
      source.leave(reader);
      letPromisesRun();
      if (why?.cause instanceof MalformedEvents) tools.count(link, "rejections");
      if (why === undefined) closed.resolve(undefined);
      else closed.reject(why);
    },
  });
  const source = sourceOf(link, tools);
  source.join(reader);
  consumer.onEnd(() => reader.close());
  letPromisesRun();
  await closed.promise;
}

function readerClass({ quirks }: Toolbox): typeof StreamReader {
  if (quirks.has("input-drops")) return DroppingReader;
  return quirks.has("input-overflow-silent") ? SilentReader : StreamReader;
}
