import { createHash } from "node:crypto";
import * as z from "zod";

/**
 * What a pv-xconnect tells about itself: one JSON document to whoever connects to its status
 * socket, then EOF.
 */
export const BROKER_FOLDER = "/run/pv-xconnect";

/** Names below BROKER_FOLDER of what belongs to the broker of one pv-ctrl socket. */
export interface BrokerFiles {
  /** Held by the one broker that mediates; its content is that broker's pid. */
  readonly lock: string;
  /** Status socket. */
  readonly status: string;
  /** What it has planted, for the next one to take back if it is killed. */
  readonly planted: string;
}

/** @param ctrl real path of the pv-ctrl socket: two names of one socket have one broker */
export function brokerFiles(ctrl: string): BrokerFiles {
  const key = createHash("sha256").update(ctrl).digest("hex").slice(0, 32);
  return { lock: `${key}.lock`, status: `${key}.sock`, planted: `${key}.planted` };
}

export const linkStatus = z.object({
  consumer: z.string(),
  provider: z.string(),
  name: z.string(),
  type: z.string(),
  role: z.string(),
  target: z.string(),
  socket: z.string(),
  /** established, waiting, failed, refused or lost. */
  state: z.string(),
  /** Sessions that are open now. */
  open: z.number(),
  /**
   * `sessions`, `bytesFromConsumer`, `bytesToConsumer`, `rejections`, `errors`, `paused`, and the
   * plugin's own.
   */
  counters: z.record(z.string(), z.number()),
  lastError: z.object({ message: z.string(), at: z.string() }).nullable(),
});

export type LinkStatus = z.infer<typeof linkStatus>;

export const brokerStatus = z.object({
  pid: z.number(),
  ctrl: z.string(),
  /** Graphs reconciled so far. */
  reconciles: z.number(),
  /** Open file descriptors, and how many there may be. */
  files: z.object({ open: z.number(), limit: z.number() }),
  /** Plugins that are loaded, with the links they were given and had taken back. */
  plugins: z.record(z.string(), z.object({ added: z.number(), removed: z.number() })),
  links: z.array(linkStatus),
});

export type BrokerStatus = z.infer<typeof brokerStatus>;
