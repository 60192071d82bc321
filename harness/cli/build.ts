import { findCleanEngine } from "../engine/leftovers.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { ensureReferenceImage, REFERENCE_TAG } from "../image/reference-image.ts";
import type { Call } from "./command.ts";

/** `pvh build`: make the reference appengine's image, or find that the engine has it. */
export async function buildCommand({ args, out, signal }: Call): Promise<ExitCode> {
  const find = { signal, progress: (line: string) => out.say(line) };
  const engine = await findCleanEngine(find);
  const image = await ensureReferenceImage(engine, find);
  if (!image.loaded) out.say(`${image.ref} is up to date`);
  out.data(
    args.flag("json")
      ? JSON.stringify({ ...image, tags: [image.ref, REFERENCE_TAG], engine: engine.host })
      : image.ref,
  );
  return EXIT.pass;
}
