import { once } from "node:events";
import { realpathSync } from "node:fs";
import { get } from "node:http";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import {
  BROKER_FOLDER,
  brokerFiles,
  brokerStatus,
} from "../../broker/shared/formats/broker-status.ts";
import type { BrokerStatus } from "../../broker/shared/formats/broker-status.ts";
import { parseGraph } from "../../broker/shared/formats/graph.ts";
import type { GraphEntry } from "../../broker/shared/formats/graph.ts";
import { clock } from "../clock/clock.ts";
import { readBounded } from "../engine/bounded.ts";
import { PvhError } from "../errors.ts";

/** Milliseconds for an answer. */
const TIMEOUT = 5_000;

export interface Mesh {
  readonly graph: readonly GraphEntry[];
  /** State of the links, as the broker tells it; undefined where it has no status socket. */
  readonly status: BrokerStatus | undefined;
}

/**
 * The mesh of a pv-ctrl on this machine, and of the broker that `pvh broker` runs for it.
 * @param ctrl path of pv-ctrl's socket
 * @throws PvhError PVH_USAGE without a socket there; PVH_CONTROL when it serves no graph
 */
export async function localMesh(ctrl: string, signal: AbortSignal): Promise<Mesh> {
  const path = realPathOf(ctrl);
  return { graph: await graphOf(path, signal), status: await statusFor(path, signal) };
}

function realPathOf(ctrl: string): string {
  try {
    return realpathSync(ctrl);
  } catch (cause) {
    throw new PvhError("PVH_USAGE", `there is no pv-ctrl socket at ${ctrl}`, {
      hint: "give the socket that pvh broker uses",
      cause,
    });
  }
}

async function graphOf(ctrl: string, signal: AbortSignal): Promise<GraphEntry[]> {
  const options = {
    socketPath: ctrl,
    path: "/xconnect-graph",
    // pv-ctrl closes connections whose Host is not localhost (docs/pantavisor.md §3.1).
    headers: { Host: "localhost", Connection: "close" },
    agent: false,
    signal: withTimeout(signal),
  };
  try {
    const [response] = (await once(get(options), "response")) as [IncomingMessage];
    return parseGraph(await jsonOf(response, `the graph of ${ctrl}`));
  } catch (cause) {
    signal.throwIfAborted();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PvhError("PVH_CONTROL", `${ctrl} serves no graph: ${reason}`, { cause });
  }
}

async function statusFor(ctrl: string, signal: AbortSignal): Promise<BrokerStatus | undefined> {
  const path = `${BROKER_FOLDER}/${brokerFiles(ctrl).status}`;
  try {
    const answer = connect({ path, signal: withTimeout(signal) });
    return brokerStatus.parse(await jsonOf(answer, path));
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

async function jsonOf(answer: AsyncIterable<unknown>, what: string): Promise<unknown> {
  return JSON.parse((await readBounded(answer, what)).toString("utf8")) as unknown;
}

function withTimeout(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, clock.deadline(TIMEOUT).signal]);
}
