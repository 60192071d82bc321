import { findCleanEngine } from "../engine/leftovers.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { ensureBareImage } from "../image/bare-image.ts";
import { BARE_TAG, ensureReferenceImage, REFERENCE_TAG } from "../image/reference-image.ts";
import type { Call } from "./command.ts";

/** `pvh build`: make the reference appengine's image, or find that the engine has it. */
export async function buildCommand({ args, out, signal }: Call): Promise<ExitCode> {
  const find = { signal, progress: (line: string) => out.say(line) };
  const engine = await findCleanEngine(find);
  const reference = await ensureReferenceImage(engine, find);
  if (!reference.loaded) out.say(`${reference.ref} is up to date`);
  const isBare = args.flag("bare");
  const ref = isBare ? await ensureBareImage(engine, find) : reference.ref;
  const tags = [ref, isBare ? BARE_TAG : REFERENCE_TAG];
  const json = { ...(isBare ? {} : reference), ref, tags, engine: engine.host };
  out.data(args.flag("json") ? JSON.stringify(json) : ref);
  return EXIT.pass;
}
