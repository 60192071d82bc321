import { createHash } from "node:crypto";
import * as z from "zod";

/**
 * The status of a pv-xconnect: one JSON document, then EOF, to each connection to its status
 * socket.
 */
export const BROKER_FOLDER = "/run/pv-xconnect";

/** Paths below BROKER_FOLDER of the files of the broker of one pv-ctrl socket. */
export interface BrokerFiles {
  /** Lock file, held by the one broker that mediates; its content is that broker's pid. */
  readonly lock: string;
  /** Status socket. */
  readonly status: string;
  /** Journal of what the broker has planted: if it is killed, the next broker takes that back. */
  readonly planted: string;
}

/** @param ctrl real path of the pv-ctrl socket, so that two paths of one socket have one broker */
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
  /** State of the link: established, waiting, failed, refused or lost. */
  state: z.string(),
  /** Sessions that are open now. */
  open: z.number(),
  /**
   * Counters of the link: `sessions`, `bytesFromConsumer`, `bytesToConsumer`, `rejections`,
   * `errors`, `paused`, and those of its plugin.
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
  /** Open file descriptors and their limit. */
  files: z.object({ open: z.number(), limit: z.number() }),
  /** Loaded plugins, each with the number of links added to it and removed from it. */
  plugins: z.record(z.string(), z.object({ added: z.number(), removed: z.number() })),
  links: z.array(linkStatus),
});

export type BrokerStatus = z.infer<typeof brokerStatus>;
