import { spawn } from "node:child_process";
import { pipeline } from "node:stream/promises";
import { ExportError } from "./export-error.ts";

const ARGUMENTS = {
  xz: ["--decompress", "--stdout", "--memlimit-decompress=256MiB"],
  bzip2: ["--decompress", "--stdout"],
} as const;
export type ProgramCompression = keyof typeof ARGUMENTS;

/** Characters of what the program says that are kept. */
const LONGEST_WORDS = 4096;

/**
 * Decompress by the program of that name, which Node has no decoder for.
 * @throws ExportError for damaged input, and where there is no such program
 */
export async function* decodedByProgram(
  program: ProgramCompression,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const child = spawn(program, ARGUMENTS[program], {
    stdio: ["pipe", "pipe", "pipe"],
    // Not its own variables: XZ_OPT could lift the limit.
    env: { PATH: process.env["PATH"], LC_ALL: "C" },
    signal,
    killSignal: "SIGKILL",
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  ended.catch(() => undefined);
  let words = "";
  child.stderr.on("data", (chunk: Buffer) => {
    if (words.length < LONGEST_WORDS) words += chunk.toString("utf8");
  });
  let fault: Error | undefined;
  async function* fed(): AsyncGenerator<Uint8Array> {
    try {
      yield* source;
    } catch (error) {
      fault = error as Error;
      throw error;
    }
  }
  // A program that ends early closes its input; its exit code says why.
  const feeding = pipeline(fed, child.stdin).catch(() => undefined);
  try {
    yield* child.stdout as AsyncIterable<Uint8Array>;
    const code = await ended;
    await feeding;
    if (fault !== undefined) throw fault;
    if (code !== 0) throw new ExportError(`is damaged (${program}): ${complaint(program, words)}`);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    throw new ExportError(`is compressed with ${program}, and there is no program ${program}`);
  } finally {
    child.kill("SIGKILL");
  }
}

/** `xz: (stdin): Unexpected end of input` → the last part. */
function complaint(program: string, words: string): string {
  const line = words.split("\n").find((text) => text.trim() !== "") ?? "it ended without a word";
  return line.replace(new RegExp(`^${program}: (\\(stdin\\): )?`), "").trim();
}
