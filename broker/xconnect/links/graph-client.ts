import { request } from "node:http";
import { readGraph } from "../../shared/formats/graph.ts";
import type { ReadGraph } from "../../shared/formats/graph.ts";
import { parseUntrusted } from "../../shared/formats/json-depth.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";

const MAX_BODY = 16 * 1024 * 1024;

export interface FetchOptions {
  readonly signal: AbortSignal;
  /** Time limit of the whole exchange, in milliseconds. */
  readonly timeout: number;
  readonly quirks: Quirks;
}

/**
 * Fetch the graph: GET /xconnect-graph from pv-ctrl, with the whole body in however many pieces.
 *
 * @throws Error when pv-ctrl is not there, answers with another status than 200, or sends no graph
 */
export async function fetchGraph(
  ctrl: string,
  { signal, timeout, quirks }: FetchOptions,
): Promise<ReadGraph> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
  const body = await get(ctrl, "/xconnect-graph", deadline, quirks);
  try {
    return readGraph(parseUntrusted(body));
  } catch (error) {
    throw new Error("Failed to parse graph JSON", { cause: error });
  }
}

/**
 * Fetch the state of the revision that runs: GET /steps/current.
 *
 * @throws Error when pv-ctrl is not there, answers with another status than 200, or sends no JSON
 */
export async function fetchState(
  ctrl: string,
  { signal, timeout, quirks }: FetchOptions,
): Promise<unknown> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
  return parseUntrusted(await get(ctrl, "/steps/current", deadline, quirks));
}

function get(ctrl: string, path: string, signal: AbortSignal, quirks: Quirks): Promise<string> {
  return new Promise((resolve, reject) => {
    // pv-ctrl closes connections whose Host is not localhost (docs/pantavisor.md §3.1).
    const headers = { Host: "localhost", Connection: "close" };
    const options = { socketPath: ctrl, path, headers, agent: false, signal };
    const outgoing = request(options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        if (chunks.length > 0 && quirks.has("graph-first-read-only")) return;
        chunks.push(chunk);
        size += chunk.length;
        if (size > MAX_BODY)
          response.destroy(new Error(`${path} is larger than ${MAX_BODY} bytes`));
      });
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString("utf8"));
        else reject(new Error(`Failed to fetch ${path}: status ${response.statusCode ?? 0}`));
      });
    });
    outgoing.on("error", reject);
    // Node closes the connection without another event when 101 comes unasked.
    outgoing.on("upgrade", (_response, socket) => {
      socket.destroy();
      reject(new Error(`Failed to fetch ${path}: status 101`));
    });
    outgoing.end();
  });
}
