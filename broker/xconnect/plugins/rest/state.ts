import type { PolledStream } from "../../../shared/linux/polled-stream.ts";
import type { RestExchange } from "./exchange.ts";
import type { RestUpload } from "./upload.ts";

/** State of one session. */
export class RestState {
  /**
   *     http ─▶ tunnel (101 to an allowed Upgrade)        both ─▶ over (last bytes, linger)
   */
  phase: "http" | "tunnel" | "over" = "http";
  readonly consumer: PolledStream;
  /** Connection to the provider, from the first request on. */
  provider: PolledStream | undefined;
  isConnecting = false;
  /** A request whose response is owed to the consumer. */
  exchange: RestExchange | undefined;
  /** A request whose end has not been read; its response may be complete already. */
  upload: RestUpload | undefined;

  constructor(consumer: PolledStream) {
    this.consumer = consumer;
  }
}

/** Steps of the session that a request or a response causes. */
export interface RestActions {
  /** Make the connection to the provider and send this head first. */
  connect(head: string): void;
  /** From here on both sides send what they like. */
  openTunnel(): void;
  /** The consumer gets its last bytes and EOF; the provider what is on its way, and EOF. */
  finish(lastResponse?: Buffer): void;
}
