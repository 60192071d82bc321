import { PvhError } from "../errors.ts";
import { connect, isUnreachable } from "./connect.ts";
import { namedEngine } from "./docker-context.ts";
import { DEFAULT_SOCKET, parseEngineAddress } from "./engine-address.ts";
import type { DirectAddress, EngineAddress } from "./engine-address.ts";
import type { Engine, EngineFacts, FindOptions } from "./engine.ts";
import { engineClient } from "./engine-client.ts";
import { ENGINES_VARIABLE, listedEngines } from "./listed-engines.ts";
import { privateEngineHost } from "./private-engine-files.ts";
import { canStartPrivateEngine, startPrivateEngine } from "./private-engine.ts";

/**
 * The engine to use: the one that DOCKER_HOST or docker's context names; else the default socket
 * when something answers there; else, for root with dockerd on the machine, a private one,
 * started when it does not run yet.
 *
 * @throws PvhError PVH_USAGE for a setting that names no engine, PVH_ENGINE_UNREACHABLE or
 *         PVH_NO_ACCESS with the command that helps, PVH_ENGINE_SILENT, PVH_ENGINE_TOO_OLD, PVH_ABORTED
 */
export async function findEngine(options: FindOptions = {}): Promise<Engine> {
  const { signal } = options;
  const named = namedEngine();
  let refused: unknown;
  if (named === undefined) {
    try {
      return await connect(unixSocket(DEFAULT_SOCKET), "default socket", signal);
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      refused = error;
    }
  } else if (named.address.host !== privateEngineHost()) {
    const { address, from, without } = named;
    return connect(address, from, signal).catch((error: unknown) => {
      if (!isUnreachable(error)) throw error;
      const where =
        from === "DOCKER_HOST" ? `DOCKER_HOST=${address.host}` : `${address.host}, ${from}`;
      const first =
        address.kind === "ssh"
          ? `ssh ${address.destination} docker version has to work without a question`
          : "start that engine";
      throw unreachable(where, error, `${first}, or: ${without}`);
    });
  }
  if (!canStartPrivateEngine()) {
    throw unreachable(`unix://${DEFAULT_SOCKET}`, refused, installHint());
  }
  try {
    return await connect(privateAddress(), "private", signal);
  } catch (error) {
    if (options.start === false || !isUnreachable(error)) throw error;
    await startPrivateEngine(options);
    return connect(privateAddress(), "private", signal);
  }
}

/**
 * The engines that PVH_ENGINES lists, else the one that findEngine() finds.
 * @throws PvhError as findEngine()
 */
export async function findEngines(
  options: FindOptions = {},
): Promise<readonly [Engine, ...Engine[]]> {
  const [first, ...others] = listedEngines();
  if (first === undefined) return [await findEngine(options)];
  const connected = (address: EngineAddress): Promise<Engine> =>
    connect(address, ENGINES_VARIABLE, options.signal);
  return [await connected(first), ...(await Promise.all(others.map(connected)))];
}

/** An engine that another process has found; nothing is asked. */
export function knownEngine(facts: EngineFacts): Engine {
  const address = parseEngineAddress(facts.host, facts.origin, facts.tls);
  if (address.kind === "ssh") throw new Error(`${facts.host} is no end of a tunnel`);
  return { ...facts, docker: engineClient(address) };
}

/** The part of an engine that another process can be told. */
export function factsOf({ docker: _, ...facts }: Engine): EngineFacts {
  return facts;
}

/** The engine that answers now; nothing is started. */
export async function runningPrivateEngine(signal?: AbortSignal): Promise<Engine | undefined> {
  return connect(privateAddress(), "private", signal).catch(() => undefined);
}

/**
 * Set what Testcontainers reads from the environment. The host override spares it a look at
 * the network `bridge`, which a private engine does not have; clean-up is pvh's own (labels).
 */
export function testcontainersEnvironment({ host, tls }: Engine): void {
  process.env["DOCKER_HOST"] = host;
  process.env["DOCKER_TLS_VERIFY"] = tls === undefined ? "" : "1";
  if (tls !== undefined) process.env["DOCKER_CERT_PATH"] = tls.folder;
  process.env["TESTCONTAINERS_HOST_OVERRIDE"] ??= "127.0.0.1";
  process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";
}

const unixSocket = (path: string): DirectAddress => ({
  kind: "unix",
  host: `unix://${path}`,
  path,
});

const privateAddress = (): EngineAddress =>
  parseEngineAddress(privateEngineHost(), "the private engine", undefined);

function unreachable(where: string, error: unknown, hint: string): PvhError {
  if (error instanceof PvhError && error.code !== "PVH_ENGINE_UNREACHABLE") return error;
  const why = error instanceof Error ? `: ${error.message}` : "";
  return new PvhError("PVH_ENGINE_UNREACHABLE", `no Docker engine at ${where}${why}`, {
    hint,
    cause: error,
  });
}

function installHint(): string {
  const user = process.env["USER"] ?? "$USER";
  if (process.getuid?.() === 0) {
    return "apt-get update && apt-get install -y --no-install-recommends docker.io";
  }
  return `sudo sh -c 'apt-get update && apt-get install -y docker.io && usermod -aG docker ${user}', then log in again`;
}
