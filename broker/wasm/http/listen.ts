import { closeSync, mkdirSync, openSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { GuestService } from "../../shared/formats/wasm-guest.ts";
import { O_DIRECTORY, O_PATH } from "../../shared/linux/openat2.ts";
import { listenIn } from "../../shared/linux/unix-stream.ts";
import { GuestFailure } from "../guest-errno.ts";
import { HttpServer } from "./server.ts";

const MODE = 0o666;
const BACKLOG = 4096;

/**
 * Listen for each service, before the guest runs: the broker may connect from then on.
 * @returns servers by the service's name
 * @throws GuestFailure naming a service whose socket cannot be made
 */
export function listenFor(services: readonly GuestService[]): Map<string, HttpServer> {
  return new Map(services.map((one) => [one.name, new HttpServer(listenAt(one))]));
}

function listenAt({ name, socket }: GuestService): number {
  const folder = dirname(socket);
  try {
    mkdirSync(folder, { recursive: true });
    const directory = openSync(folder, O_PATH | O_DIRECTORY);
    try {
      return listenIn(directory, basename(socket), MODE, BACKLOG);
    } finally {
      closeSync(directory);
    }
  } catch (error) {
    throw new GuestFailure(`the socket of service '${name}': ${(error as Error).message}`);
  }
}
