import { PvhError } from "../errors.ts";
import { parseEngineAddress } from "./engine-address.ts";
import type { EngineAddress } from "./engine-address.ts";

/** Environment variable with the engines of a run: addresses as of DOCKER_HOST, separated by commas. */
export const ENGINES_VARIABLE = "PVH_ENGINES";

/**
 * The engines of PVH_ENGINES, none where it is not set.
 * @throws PvhError PVH_USAGE for an address that means nothing, and for one that comes twice
 */
export function listedEngines(env: NodeJS.ProcessEnv = process.env): EngineAddress[] {
  const words = (env[ENGINES_VARIABLE] ?? "").split(/[\s,]+/).filter((word) => word !== "");
  const addresses = words.map((word) => parseEngineAddress(word, ENGINES_VARIABLE, undefined));
  const hosts = addresses.map(({ host }) => host);
  const twice = hosts.find((host, at) => hosts.indexOf(host) !== at);
  if (twice === undefined) return addresses;
  throw new PvhError("PVH_USAGE", `${ENGINES_VARIABLE} names ${twice} twice`, {
    hint: "name each engine once",
  });
}
