import { hostname } from "node:os";
import Docker from "dockerode";
import type { DockerVersion } from "dockerode";
import { clock } from "../clock/clock.ts";
import { PvhError } from "../errors.ts";
import { within } from "../within.ts";
import { engineError } from "./engine-error.ts";
import { canStartPrivateEngine, privateEngineHost, startPrivateEngine } from "./private-engine.ts";

/** A Docker engine, or Podman through its compatible socket, that has answered. */
export interface Engine {
  readonly docker: Docker;
  /** As DOCKER_HOST would say it: `unix:///…`, `tcp://…`, `ssh://…`. */
  readonly host: string;
  /** Where it was found. */
  readonly origin: "DOCKER_HOST" | "default socket" | "private";
  readonly version: string;
  readonly apiVersion: string;
  /** Its containers' pids, capabilities and loop devices are this machine's. */
  readonly sameMachine: boolean;
}

export interface FindOptions {
  readonly signal?: AbortSignal;
  /** Told in one line what takes long, for example starting a private engine. */
  readonly progress?: (line: string) => void;
  /** False: look for an engine, but start none. */
  readonly start?: boolean;
}

/** Docker 20.10: the first with CgroupnsMode, which pv-ctrl needs. */
export const OLDEST_API = "1.41";
const DEFAULT_SOCKET = "unix:///var/run/docker.sock";

/**
 * The engine to use: DOCKER_HOST; else the default socket when something answers there; else,
 * for root with dockerd on the machine, a private one, started when it does not run yet.
 *
 * @throws PvhError PVH_ENGINE_UNREACHABLE with the command that helps, PVH_ENGINE_TOO_OLD,
 *         PVH_ABORTED
 */
export async function findEngine(options: FindOptions = {}): Promise<Engine> {
  const wanted = process.env["DOCKER_HOST"];
  if (wanted !== undefined && wanted !== "" && wanted !== privateEngineHost()) {
    return connect(wanted, "DOCKER_HOST", options.signal).catch((error: unknown) => {
      throw unreachable(`DOCKER_HOST=${wanted}`, error, "start that engine, or unset DOCKER_HOST");
    });
  }
  let refused: unknown;
  if (wanted === undefined || wanted === "") {
    try {
      return await connect(DEFAULT_SOCKET, "default socket", options.signal);
    } catch (error) {
      if (error instanceof PvhError && error.code !== "PVH_ENGINE_UNREACHABLE") throw error;
      refused = error;
    }
  }
  if (!canStartPrivateEngine()) throw unreachable(DEFAULT_SOCKET, refused, installHint(refused));
  try {
    return await connect(privateEngineHost(), "private", options.signal);
  } catch (error) {
    if (options.start === false) throw error;
    await startPrivateEngine(options);
    return connect(privateEngineHost(), "private", options.signal);
  }
}

/** The engine that answers now; nothing is started. */
export async function runningPrivateEngine(signal?: AbortSignal): Promise<Engine | undefined> {
  return connect(privateEngineHost(), "private", signal).catch(() => undefined);
}

/**
 * Set what Testcontainers reads from the environment. The host override spares it a look at
 * the network `bridge`, which a private engine does not have; clean-up is pvh's own (labels).
 */
export function testcontainersEnvironment(engine: Engine): void {
  process.env["DOCKER_HOST"] = engine.host;
  process.env["TESTCONTAINERS_HOST_OVERRIDE"] ??= "127.0.0.1";
  process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";
}

async function connect(
  host: string,
  origin: Engine["origin"],
  signal: AbortSignal | undefined,
): Promise<Engine> {
  const docker = client(host);
  const limit = AbortSignal.any([clock.deadline(10_000).signal, ...(signal ? [signal] : [])]);
  try {
    const asked: Promise<[DockerVersion, unknown]> = Promise.all([docker.version(), docker.info()]);
    const [version, info] = await within(limit, asked, noAnswer);
    requireApi(version.ApiVersion, `the engine at ${host} (${version.Version})`);
    return {
      docker,
      host,
      origin,
      version: version.Version,
      apiVersion: version.ApiVersion,
      sameMachine: origin === "private" || engineName(info) === hostname(),
    };
  } catch (error) {
    if (signal?.aborted === true) {
      throw new PvhError("PVH_ABORTED", `cancelled while connecting to ${host}`, { cause: error });
    }
    throw engineError(error, host);
  }
}

/** docker-modem understands DOCKER_HOST (and TLS and ssh) only from the environment. */
function client(host: string): Docker {
  if (host.startsWith("unix://")) return new Docker({ socketPath: host.slice("unix://".length) });
  return new Docker();
}

const noAnswer = () => new Error("ECONNREFUSED: no answer within 10 s");

/** @throws PvhError PVH_ENGINE_TOO_OLD */
export function requireApi(apiVersion: string, engine: string): void {
  const [major = 0, minor = 0] = apiVersion.split(".").map(Number);
  const [needMajor = 0, needMinor = 0] = OLDEST_API.split(".").map(Number);
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  throw new PvhError("PVH_ENGINE_TOO_OLD", `${engine} speaks API ${apiVersion}`, {
    hint: `install Docker 20.10 or newer (API ${OLDEST_API})`,
  });
}

function engineName(info: unknown): string | undefined {
  if (typeof info !== "object" || info === null || !("Name" in info)) return undefined;
  return typeof info.Name === "string" ? info.Name : undefined;
}

function unreachable(where: string, error: unknown, hint: string): PvhError {
  if (error instanceof PvhError && error.code !== "PVH_ENGINE_UNREACHABLE") return error;
  const why = error instanceof Error ? `: ${error.message}` : "";
  return new PvhError("PVH_ENGINE_UNREACHABLE", `no Docker engine at ${where}${why}`, {
    hint,
    cause: error,
  });
}

function installHint(refused: unknown): string {
  const user = process.env["USER"] ?? "$USER";
  if (refused instanceof Error && refused.message.includes("EACCES")) {
    return `sudo usermod -aG docker ${user}, then log in again`;
  }
  if (process.getuid?.() === 0) {
    return "apt-get update && apt-get install -y --no-install-recommends docker.io";
  }
  return `sudo sh -c 'apt-get update && apt-get install -y docker.io && usermod -aG docker ${user}', then log in again`;
}
