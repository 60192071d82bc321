import { closeSync } from "node:fs";
import type { MessageSocket } from "../../../shared/linux/message-socket.ts";
import { sealedMemfd } from "../../../shared/linux/sealed-memfd.ts";
import type { MessageIdentity } from "../../planes/message-direction.ts";
import { proxyMessages } from "../../planes/message-plane.ts";
import type { Link, Toolbox } from "../plugin.ts";
import { greetingText, roleAccount, roleSocketPath } from "./identity.ts";
import { optionsOf } from "./options.ts";

/**
 * Carry a session on the message plane, from the accepted connection to its end: connect to the
 * provider, send the identity that the export asked for, then carry messages.
 *
 * @param consumer owned by the session from now on
 */
export async function serveMessages(
  link: Link,
  consumer: MessageSocket,
  signal: AbortSignal,
  tools: Toolbox,
): Promise<void> {
  using owned = consumer;
  const { quirks } = tools;
  const { identity, fds } = optionsOf(link, quirks);
  const isWrong = quirks.has("role-socket-wrong", "unix");
  using provider = await tools.connectProviderMessages(link, {
    signal,
    type: consumer.type,
    path: identity === "role-socket" && !isWrong ? roleSocketPath(link) : link.socket,
  });
  const greets = identity === "greeting" && !quirks.has("greeting-missing", "unix");
  const marks = identity === "cmsg" && !quirks.has("cmsg-missing", "unix");
  using mark = marks ? messageIdentity(link, tools) : undefined;
  await proxyMessages(owned, provider, {
    signal,
    allowed: fds,
    quirks,
    greeting: greets ? greeting(link, consumer) : undefined,
    identity: mark,
    count: (counter, bytes) => tools.count(link, counter, bytes),
    onViolation: (what) => {
      tools.count(link, "rejections");
      tools.note(link, `session closed: ${what}`);
      tools.warn(`pvx-unix: ${link.consumer}/${link.name}: session closed: ${what}`);
    },
  });
}

function greeting(link: Link, { type }: MessageSocket): Buffer {
  const text = greetingText(link);
  return Buffer.from(type === "stream" ? `${text}\n` : text, "utf8");
}

function messageIdentity(link: Link, tools: Toolbox): MessageIdentity & Disposable {
  const handle = sealedMemfd("pvx-identity", Buffer.from(greetingText(link), "utf8"));
  return {
    handle,
    // Only root may claim another uid. The pid has to be a living process's, so it is the broker's.
    credentials: { pid: process.pid, ...roleAccount(link, tools) },
    [Symbol.dispose]: () => closeSync(handle),
  };
}
