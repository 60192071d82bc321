import { messageOf } from "../message-of.ts";
import {
  saslClientAnswer,
  saslClientNegotiate,
  saslClientStart,
  saslFdsAgreed,
} from "../protocols/sasl/client.ts";
import { SaslLineReader } from "../protocols/sasl/line-reader.ts";
import type { Credentials, Link, Toolbox } from "./plugin.ts";
import { StreamReader } from "./stream-reader.ts";

/** A connection that the provider's bus has accepted; BEGIN has not been sent. */
export interface Bus {
  readonly type: "bus";
  readonly reader: StreamReader;
  readonly guid: string;
}

export interface Refused {
  readonly type: "refused";
  readonly reason: string;
}

export interface OpenBusOptions {
  readonly credentials: Credentials;
  /** Whether fds may come from it. */
  readonly receivesFds: boolean;
  readonly signal: AbortSignal;
}

/**
 * Connect to the provider's bus as `credentials`: in the kernel and in SASL.
 * @throws the signal's reason when it fires; every other failure is a `refused`
 */
export async function openBus(
  link: Link,
  tools: Toolbox,
  { credentials, receivesFds, signal }: OpenBusOptions,
): Promise<Bus | Refused> {
  let reader: StreamReader | undefined;
  try {
    const fd = await tools.dialProvider(link, { signal, credentials });
    reader = new StreamReader(fd, { receivesFds });
    reader.stream.write(saslClientStart(credentials.uid));
    const answer = saslClientAnswer(await onlyLine(reader, signal));
    if (answer.type === "accepted") return { type: "bus", reader, guid: answer.guid };
    reader.stream.close();
    return { type: "refused", reason: answer.reason };
  } catch (error) {
    reader?.stream.close();
    signal.throwIfAborted();
    return { type: "refused", reason: messageOf(error) };
  }
}

/**
 * @returns whether the bus passes fds on this connection
 * @throws Error when it answers anything but a line
 */
export async function agreesOnFds({ reader }: Bus, signal: AbortSignal): Promise<boolean> {
  reader.stream.write(saslClientNegotiate);
  return (await onlyLine(reader, signal)) === saslFdsAgreed;
}

/** @throws Error when something else comes than one line */
async function onlyLine(reader: StreamReader, signal: AbortSignal): Promise<string> {
  const lines = new SaslLineReader({ nul: false });
  for (;;) {
    const piece = await reader.next(signal);
    if (piece === undefined) throw new Error("it closes the connection");
    lines.push(piece);
    const input = lines.next();
    if (input === undefined) continue;
    if (input.type === "violation") throw new Error(`it sends ${input.reason}`);
    if (lines.rest.length > 0) throw new Error("it speaks before BEGIN");
    return input.text;
  }
}
