import { createReadStream, existsSync, statSync } from "node:fs";
import { request } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseUntrusted } from "../../../shared/formats/json-depth.ts";
import type { StateDocument } from "./state-merge.ts";

/** Operations of pv-ctrl that pvtx needs (docs/pantavisor.md §3.3). */
export interface StepClient {
  currentState(): Promise<StateDocument>;
  putObject(sha256: string, file: string): Promise<void>;
  putStep(name: string, state: StateDocument): Promise<void>;
}

/** Sockets of pv-ctrl in the appengine, and in its containers (docs/pantavisor.md §3.1). */
const SOCKETS = ["/run/pantavisor/pv/pv-ctrl", "/pantavisor/pv-ctrl", "/pv/pv-ctrl"];
const TIMEOUT = 60_000;

/** @param socket pv-ctrl's; default: where it usually is */
export function stepClient(socket = SOCKETS.find((path) => existsSync(path))): StepClient {
  async function send(
    method: string,
    path: string,
    body?: () => Readable,
    size = 0,
  ): Promise<string> {
    if (socket === undefined) throw new Error("no pv-ctrl socket: pantavisor is not running");
    const call = request({
      socketPath: socket,
      method,
      path,
      headers: {
        Host: "localhost",
        Connection: "close",
        ...(body === undefined ? {} : { "Content-Length": size }),
      },
      timeout: TIMEOUT,
    });
    call.once("timeout", () => call.destroy(new Error(`${path}: no reply`)));
    const reply = new Promise<{ status: number; text: string }>((resolve, reject) => {
      call.once("error", reject);
      call.once("response", (response) => {
        response
          .toArray()
          .then((chunks: Buffer[]) => {
            const text = Buffer.concat(chunks).toString("utf8");
            resolve({ status: response.statusCode ?? 0, text });
          })
          .catch(reject);
      });
    });
    // A refusal may come, and end the connection, before all of the body has gone.
    const sent =
      body === undefined
        ? Promise.resolve(void call.end())
        : pipeline(body(), call).catch(() => undefined);
    const [{ status, text }] = await Promise.all([reply, sent]);
    if (status < 200 || status > 299) throw new Error(`${method} ${path}: ${status} ${text}`);
    return text;
  }

  return {
    currentState: async () => parseUntrusted(await send("GET", "/steps/current")) as StateDocument,
    async putObject(sha256, file) {
      const { size } = statSync(file);
      await send("PUT", `/objects/${sha256}`, () => createReadStream(file), size);
    },
    async putStep(name, state) {
      const body = Buffer.from(JSON.stringify(state));
      await send("PUT", `/steps/${name}`, () => Readable.from([body]), body.length);
    },
  };
}
