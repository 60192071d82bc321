import { pipeline } from "node:stream/promises";
import { findHeld } from "../appengine/held.ts";
import { readLines } from "../engine/read-lines.ts";
import { findCleanEngine } from "../engine/leftovers.ts";
import { printable } from "../../reports/printable.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import type { Call } from "./command.ts";
import { isInCi } from "./output.ts";

/**
 * `pvh exec CONTAINER COMMAND…`: run a command in a container of a held appengine; `-` is the appengine
 * itself. It ends with the command's exit status, and prints what the command prints as it comes: on a
 * terminal and for a CI as lines in which nothing acts, else as the bytes that they are.
 */
export async function execCommand({ args, out, signal }: Call): Promise<ExitCode> {
  const [container = "-", ...words] = args.words;
  const engine = await findCleanEngine({ signal, progress: (line) => out.say(line) });
  const appengine = await findHeld(engine, args.text("name"));
  const target = container === "-" ? appengine : appengine.inside(container);
  const onStderr = (line: string): void => out.say(printable(line));
  const stream = await target.stream(words, { signal, onStderr });
  const cut = (): void => void stream.destroy();
  signal.addEventListener("abort", cut, { once: true });
  try {
    stream.end();
    if (process.stdout.isTTY || isInCi()) {
      for await (const line of readLines(stream)) out.data(printable(line));
    } else {
      await pipeline(stream, process.stdout, { end: false });
    }
    return (await stream.exitCode()) as ExitCode;
  } finally {
    signal.removeEventListener("abort", cut);
    await appengine.close();
  }
}
