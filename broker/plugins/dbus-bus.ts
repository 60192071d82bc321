import type { Socket } from "node:net";
import { saslClientAnswer, saslClientStart } from "../protocols/sasl/client.ts";
import type { SaslAnswer } from "../protocols/sasl/client.ts";
import { SaslLineReader } from "../protocols/sasl/line-reader.ts";
import type { Credentials, Link, Toolbox } from "./plugin.ts";
import { chunks, write } from "./socket-chunks.ts";

/** A connection that the provider's bus has accepted; BEGIN has not been sent. */
export interface Bus {
  readonly type: "bus";
  readonly socket: Socket;
  readonly guid: string;
}

export interface Refused {
  readonly type: "refused";
  readonly reason: string;
}

/**
 * Connect to the provider's bus as `credentials`: in the kernel and in SASL.
 * @throws the signal's reason when it fires; every other failure is a `refused`
 */
export async function openBus(
  link: Link,
  tools: Toolbox,
  credentials: Credentials,
  signal: AbortSignal,
): Promise<Bus | Refused> {
  let socket: Socket | undefined;
  const destroy = () => socket?.destroy();
  signal.addEventListener("abort", destroy, { once: true });
  try {
    socket = await tools.connectProvider(link, { signal, credentials });
    signal.throwIfAborted();
    const answer = await authenticateAs(socket, credentials.uid);
    if (answer.type === "accepted") return { type: "bus", socket, guid: answer.guid };
    socket.destroy();
    return { type: "refused", reason: answer.reason };
  } catch (error) {
    socket?.destroy();
    signal.throwIfAborted();
    return { type: "refused", reason: error instanceof Error ? error.message : String(error) };
  } finally {
    signal.removeEventListener("abort", destroy);
  }
}

async function authenticateAs(socket: Socket, uid: number): Promise<SaslAnswer> {
  const reader = new SaslLineReader({ nul: false });
  write(socket, saslClientStart(uid));
  for await (const chunk of chunks(socket)) {
    reader.push(chunk);
    const input = reader.next();
    if (input === undefined) continue;
    if (input.type === "violation") return { type: "rejected", reason: `it sends ${input.reason}` };
    if (reader.rest.length > 0) return { type: "rejected", reason: "it speaks before BEGIN" };
    return saslClientAnswer(input.text);
  }
  return { type: "rejected", reason: "it closes the connection" };
}
