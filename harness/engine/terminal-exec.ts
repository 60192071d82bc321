import { Socket } from "node:net";
import type { Container } from "dockerode";
import { engineError } from "./engine-error.ts";

/** The terminal that a command is given. */
export interface LocalTerminal {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
}

/**
 * Run a command in a container on this terminal: keys go to it as they are, Ctrl+C included, and its
 * terminal has the size of this one.
 * @returns its exit status
 */
export async function runOnTerminal(
  container: Container,
  argv: readonly string[],
  environment: readonly string[],
  { input, output }: LocalTerminal,
): Promise<number> {
  const subject = `${argv[0] ?? ""} in container ${container.id.slice(0, 12)}`;
  try {
    const exec = await container.exec({
      Cmd: [...argv],
      Env: [...environment, `TERM=${process.env["TERM"] ?? "xterm"}`],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: true,
    });
    const socket: unknown = await exec.start({ hijack: true, stdin: true, Tty: true });
    if (!(socket instanceof Socket)) throw new Error("the engine did not upgrade the connection");
    const resize = (): void => {
      const [w, h] = [output.columns || 80, output.rows || 24];
      exec.resize({ w, h }).catch(() => undefined);
    };
    input.setRawMode(true);
    output.on("resize", resize);
    try {
      resize();
      input.pipe(socket);
      socket.pipe(output, { end: false });
      await new Promise((resolve, reject) => {
        socket.once("close", resolve).once("end", resolve).once("error", reject);
      });
    } finally {
      output.off("resize", resize);
      input.unpipe(socket);
      input.setRawMode(false);
      input.pause();
    }
    return (await exec.inspect()).ExitCode ?? 0;
  } catch (error) {
    throw engineError(error, subject);
  }
}
