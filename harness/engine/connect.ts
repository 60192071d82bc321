import { hostname, release, totalmem } from "node:os";
import * as z from "zod";
import { printableLine } from "../../reports/printable.ts";
import { clock } from "../clock/clock.ts";
import { PvhError } from "../errors.ts";
import { within } from "../within.ts";
import { noteConnected } from "./connected.ts";
import type { DirectAddress, EngineAddress, SshAddress } from "./engine-address.ts";
import { engineClient } from "./engine-client.ts";
import { engineError } from "./engine-error.ts";
import { engineKind } from "./engine-rights.ts";
import type { Engine } from "./engine.ts";
import { forbidden, isForbidden } from "./forbidden-socket.ts";
import { sshTunnel } from "./ssh-tunnel.ts";

/** Docker 20.10: the first with CgroupnsMode, which pv-ctrl needs. */
const OLDEST_API = "1.41";
/** Milliseconds for the first two answers of an engine that answers pings. */
const FIRST_ANSWERS = 60_000;

const versionAnswer = z.object({ ApiVersion: z.string(), Version: z.string().catch("unknown") });
const infoAnswer = z
  .object({
    Name: z.string(),
    KernelVersion: z.string(),
    MemTotal: z.number(),
    MemoryLimit: z.boolean(),
    PidsLimit: z.boolean(),
  })
  .partial()
  .catch({});

/** Machines that were copied from each other have one name: kernel and memory must fit, too. */
function isThisMachine(info: z.infer<typeof infoAnswer>): boolean {
  const { Name, KernelVersion = release(), MemTotal = totalmem() } = info;
  return Name === hostname() && KernelVersion === release() && MemTotal === totalmem();
}

/**
 * The engine at an address, which has to answer.
 *
 * @throws PvhError PVH_ENGINE_UNREACHABLE, PVH_NO_ACCESS, PVH_ENGINE_SILENT, PVH_ENGINE_TOO_OLD,
 *         PVH_ABORTED
 */
export async function connect(
  address: EngineAddress,
  origin: Engine["origin"],
  signal: AbortSignal | undefined,
): Promise<Engine> {
  const engine =
    address.kind === "ssh"
      ? await connectBySsh(address, origin, signal)
      : await ask(address, origin, signal);
  noteConnected(engine);
  return engine;
}

async function connectBySsh(
  address: SshAddress,
  origin: Engine["origin"],
  signal: AbortSignal | undefined,
): Promise<Engine> {
  const { address: end, words } = await sshTunnel(address, signal);
  try {
    return { ...(await ask(end, origin, signal)), ssh: address.host };
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    const message = `${address.path} of ${address.destination} does not answer: ${await words()}`;
    throw new PvhError("PVH_ENGINE_UNREACHABLE", message, { cause: error });
  }
}

/** Ask an engine for what it is and can do. */
async function ask(
  address: DirectAddress,
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
    return {
      docker,
      host,
      ...(address.kind === "tcp" && address.tls !== undefined && { tls: address.tls }),
      origin,
      version: version.Version,
      apiVersion: version.ApiVersion,
      kind: engineKind(answers[1], answers[0]),
      sameMachine: origin === "private" || isThisMachine(info),
      cannotLimit: [
        ...(info.MemoryLimit === false ? ["memory"] : []),
        ...(info.PidsLimit === false ? ["pids"] : []),
      ],
    };
  } catch (error) {
    if (signal?.aborted === true) {
      throw new PvhError("PVH_ABORTED", `cancelled while connecting to ${host}`, { cause: error });
    }
    if (address.kind === "unix" && isForbidden(error)) throw forbidden(address.path, error);
    const known = engineError(error, host);
    throw known.code === "PVH_ENGINE" ? notDocker(host, known.message, known) : known;
  }
}

/** No engine can be used at the address. */
export const isUnreachable = (error: unknown): boolean =>
  error instanceof PvhError && ["PVH_ENGINE_UNREACHABLE", "PVH_NO_ACCESS"].includes(error.code);

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
