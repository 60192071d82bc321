import { Socket } from "node:net";
import type { Container, Exec } from "dockerode";
import { engineError } from "./engine-error.ts";

/** How the engine's words begin, on the command's stdout, when it cannot start a command. */
export const CANNOT_START = "OCI runtime exec failed";

export interface HijackedExec {
  readonly exec: Exec;
  /** Raw connection: writes go to stdin, reads are multiplexed stdout and stderr. */
  readonly socket: Socket;
}

/**
 * Start a command in a container with its three streams on one connection.
 *
 * @throws PvhError when the container is gone or the command does not exist
 */
export async function startExec(
  container: Container,
  argv: readonly string[],
): Promise<HijackedExec> {
  try {
    const exec = await container.exec({
      Cmd: [...argv],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    const connection: unknown = await exec.start({ hijack: true, stdin: true });
    if (!(connection instanceof Socket))
      throw new Error("the engine did not upgrade the connection");
    return { exec, socket: connection };
  } catch (error) {
    throw engineError(error, `${argv[0] ?? ""} in container ${container.id.slice(0, 12)}`);
  }
}
