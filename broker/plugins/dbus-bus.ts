import type { PolledStream } from "../linux/polled-stream.ts";
import { saslClientAnswer, saslClientStart } from "../protocols/sasl/client.ts";
import type { SaslAnswer } from "../protocols/sasl/client.ts";
import { SaslLineReader } from "../protocols/sasl/line-reader.ts";
import type { Credentials, Link, Toolbox } from "./plugin.ts";
import { StreamReader } from "./stream-reader.ts";

/** A connection that the provider's bus has accepted; BEGIN has not been sent. */
export interface Bus {
  readonly type: "bus";
  readonly stream: PolledStream;
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
  let stream: PolledStream | undefined;
  try {
    const reader = new StreamReader(await tools.dialProvider(link, { signal, credentials }));
    stream = reader.stream;
    const answer = await authenticateAs(reader, credentials.uid, signal);
    if (answer.type === "accepted") return { type: "bus", stream, guid: answer.guid };
    stream.close();
    return { type: "refused", reason: answer.reason };
  } catch (error) {
    stream?.close();
    signal.throwIfAborted();
    return { type: "refused", reason: error instanceof Error ? error.message : String(error) };
  }
}

async function authenticateAs(
  reader: StreamReader,
  uid: number,
  signal: AbortSignal,
): Promise<SaslAnswer> {
  const lines = new SaslLineReader({ nul: false });
  reader.stream.write(saslClientStart(uid));
  for (;;) {
    const piece = await reader.next(signal);
    if (piece === undefined) return { type: "rejected", reason: "it closes the connection" };
    lines.push(piece);
    const input = lines.next();
    if (input === undefined) continue;
    if (input.type === "violation") return { type: "rejected", reason: `it sends ${input.reason}` };
    if (lines.rest.length > 0) return { type: "rejected", reason: "it speaks before BEGIN" };
    return saslClientAnswer(input.text);
  }
}
