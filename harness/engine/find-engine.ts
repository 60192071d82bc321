import { hostname } from "node:os";
import * as z from "zod";
import { printableLine } from "../../reports/printable.ts";
import { clock } from "../clock/clock.ts";
import { PvhError } from "../errors.ts";
import { within } from "../within.ts";
import { noteConnected } from "./connected.ts";
import { namedEngine } from "./docker-context.ts";
import { DEFAULT_SOCKET, parseEngineAddress } from "./engine-address.ts";
import type { EngineAddress } from "./engine-address.ts";
import type { Engine, EngineFacts, FindOptions } from "./engine.ts";
import { engineClient } from "./engine-client.ts";
import { engineKind } from "./engine-rights.ts";
import { engineError } from "./engine-error.ts";
import { ENGINES_VARIABLE, listedEngines } from "./listed-engines.ts";
import { privateEngineHost } from "./private-engine-files.ts";
import { canStartPrivateEngine, startPrivateEngine } from "./private-engine.ts";

/** Docker 20.10: the first with CgroupnsMode, which pv-ctrl needs. */
const OLDEST_API = "1.41";
/** Milliseconds for the first two answers of an engine that answers pings. */
const FIRST_ANSWERS = 60_000;

/**
 * The engine to use: the one that DOCKER_HOST or docker's context names; else the default socket
 * when something answers there; else, for root with dockerd on the machine, a private one,
 * started when it does not run yet.
 *
 * @throws PvhError PVH_USAGE for a setting that names no engine, PVH_ENGINE_UNREACHABLE with the
 *         command that helps, PVH_ENGINE_SILENT, PVH_ENGINE_TOO_OLD, PVH_ABORTED
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
      throw unreachable(where, error, `start that engine, or: ${without}`);
    });
  }
  if (!canStartPrivateEngine()) {
    throw unreachable(`unix://${DEFAULT_SOCKET}`, refused, installHint(refused));
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
  return {
    ...facts,
    docker: engineClient(parseEngineAddress(facts.host, facts.origin, facts.tls)),
  };
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

const unixSocket = (path: string): EngineAddress => ({
  kind: "unix",
  host: `unix://${path}`,
  path,
});

const privateAddress = (): EngineAddress =>
  parseEngineAddress(privateEngineHost(), "the private engine", undefined);

const versionAnswer = z.object({ ApiVersion: z.string(), Version: z.string().catch("unknown") });
const infoAnswer = z
  .object({ Name: z.string(), MemoryLimit: z.boolean(), PidsLimit: z.boolean() })
  .partial()
  .catch({});

async function connect(
  address: EngineAddress,
  origin: Engine["origin"],
  signal: AbortSignal | undefined,
): Promise<Engine> {
  const { host } = address;
  const docker = engineClient(address);
  const limit = AbortSignal.any([
    clock.deadline(FIRST_ANSWERS).signal,
    ...(signal ? [signal] : []),
  ]);
  try {
    const asked = Promise.all([docker.version() as unknown, docker.info() as unknown]);
    const answers: readonly unknown[] = await within(limit, asked, () => tooSlow(host));
    const version = versionAnswer.safeParse(answers[0]).data;
    if (version === undefined) throw notDocker(host, answers[0]);
    const info = infoAnswer.parse(answers[1]);
    requireApi(version.ApiVersion, `the engine at ${host} (${version.Version})`);
    const engine = {
      docker,
      host,
      ...(address.kind === "tcp" && address.tls !== undefined && { tls: address.tls }),
      origin,
      version: version.Version,
      apiVersion: version.ApiVersion,
      kind: engineKind(answers[1], answers[0]),
      sameMachine: origin === "private" || info.Name === hostname(),
      cannotLimit: [
        ...(info.MemoryLimit === false ? ["memory"] : []),
        ...(info.PidsLimit === false ? ["pids"] : []),
      ],
    };
    noteConnected(engine);
    return engine;
  } catch (error) {
    if (signal?.aborted === true) {
      throw new PvhError("PVH_ABORTED", `cancelled while connecting to ${host}`, { cause: error });
    }
    const known = engineError(error, host);
    throw known.code === "PVH_ENGINE" ? notDocker(host, known.message, known) : known;
  }
}

const isUnreachable = (error: unknown): boolean =>
  error instanceof PvhError && error.code === "PVH_ENGINE_UNREACHABLE";

const tooSlow = (host: string): PvhError =>
  new PvhError(
    "PVH_ENGINE_SILENT",
    `the engine at ${host} answers pings, but not /version and /info (${FIRST_ANSWERS / 1000} s)`,
    { hint: "read the engine's log; restart it" },
  );

/** The error for a proxy, a web server or anything else that listens at the address. */
function notDocker(host: string, answer: unknown, cause?: unknown): PvhError {
  const bytes = Buffer.isBuffer(answer) ? answer.toString("utf8", 0, 1000) : answer;
  const text = typeof bytes === "string" ? bytes : JSON.stringify(bytes);
  return new PvhError(
    "PVH_ENGINE_SILENT",
    `${host} does not answer as a Docker engine: ${printableLine(text, 200)}`,
    { hint: "run docker version to see what listens there", cause },
  );
}

/** @throws PvhError PVH_ENGINE_TOO_OLD */
export function requireApi(apiVersion: string, engine: string): void {
  const [major = 0, minor = 0] = apiVersion.split(".").map(Number);
  const [needMajor = 0, needMinor = 0] = OLDEST_API.split(".").map(Number);
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  throw new PvhError("PVH_ENGINE_TOO_OLD", `${engine} speaks API ${apiVersion}`, {
    hint: `install Docker 20.10 or newer (API ${OLDEST_API})`,
  });
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
