import { spawnSync } from "node:child_process";
import { showAddress } from "../shared/formats/network.ts";
import type { Pool } from "../shared/formats/network.ts";

/** Milliseconds that ip(8) has. */
const PATIENCE = 5_000;

/**
 * Make the bridge of a pool, unless it is there.
 * @returns a line for the log
 * @throws Error with ip's own words, for an engine that allows no bridge
 */
export function makeBridge({ bridge, subnet, gateway }: Pool): string | undefined {
  if (ip("link", "show", "dev", bridge) === undefined) return undefined;
  const address = `${showAddress(gateway)}/${subnet.prefix}`;
  const steps = [
    ["link", "add", "name", bridge, "type", "bridge"],
    ["address", "add", address, "dev", bridge],
    ["link", "set", "dev", bridge, "up"],
  ];
  for (const words of steps) {
    const why = ip(...words);
    if (why !== undefined) throw new Error(`bridge ${bridge} cannot be made: ${why}`);
  }
  return `created bridge ${bridge} with IP ${address}`;
}

/** @returns why it failed */
function ip(...words: readonly string[]): string | undefined {
  const { status, stderr, error } = spawnSync("ip", words, { encoding: "utf8", timeout: PATIENCE });
  if (error !== undefined) return error.message;
  return status === 0 ? undefined : stderr.trim();
}
