import { Socket } from "node:net";
import type { Container, Exec } from "dockerode";
import { PvhError } from "../errors.ts";
import { within } from "../within.ts";
import { engineError } from "./engine-error.ts";

/** How the engine's words begin, on the command's stdout, when it cannot start a command. */
export const CANNOT_START = "OCI runtime exec failed";

export interface HijackedExec {
  readonly exec: Exec;
  /** Raw connection: writes go to stdin, reads are multiplexed stdout and stderr. */
  readonly socket: Socket;
  /** The command and its container, for messages. */
  readonly subject: string;
}

/** Milliseconds: a busy machine takes seconds to start a command, a hung engine for ever. */
const TIMEOUT = 30_000;

/**
 * Start a command in a container with its three streams on one connection.
 *
 * @param environment variables `NAME=value` besides the container's
 * @throws PvhError of the engine when the container is gone, the command does not exist, or the
 *         engine does not start it in 30 s; PVH_ABORTED
 */
export async function startExec(
  container: Container,
  argv: readonly string[],
  signal?: AbortSignal,
  environment: readonly string[] = [],
): Promise<HijackedExec> {
  const subject = `${nameOf(argv)} in container ${container.id.slice(0, 12)}`;
  const limit = AbortSignal.any([AbortSignal.timeout(TIMEOUT), ...(signal ? [signal] : [])]);
  const begun = begin(container, argv, environment);
  try {
    const { exec, connection } = await within(limit, begun, () => notStarted(subject, signal));
    if (!(connection instanceof Socket))
      throw new Error("the engine did not upgrade the connection");
    return { exec, socket: connection, subject };
  } catch (error) {
    // If the command starts after all, close its connection: nobody uses it.
    void begun.then(discard, () => undefined);
    throw engineError(error, subject);
  }
}

interface StartedExec {
  readonly exec: Exec;
  readonly connection: unknown;
}

async function begin(
  container: Container,
  argv: readonly string[],
  environment: readonly string[],
): Promise<StartedExec> {
  const exec = await container.exec({
    Cmd: [...argv],
    ...(environment.length > 0 && { Env: [...environment] }),
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
  });
  return { exec, connection: await exec.start({ hijack: true, stdin: true }) };
}

function discard({ connection }: StartedExec): void {
  if (connection instanceof Socket) connection.on("error", () => undefined).destroy();
}

function notStarted(subject: string, signal: AbortSignal | undefined): PvhError {
  return signal?.aborted === true
    ? new PvhError("PVH_ABORTED", `cancelled: ${subject}`)
    : new PvhError("PVH_ENGINE", `${subject}: the engine did not start it within ${TIMEOUT} ms`, {
        hint: "pvh doctor",
      });
}

/** A shell's script can be long: its first words tell it from others. */
function nameOf(argv: readonly string[]): string {
  const words = argv.join(" ").trim().replaceAll(/\s+/g, " ");
  return words.length > 60 ? `${words.slice(0, 60)}…` : words;
}
