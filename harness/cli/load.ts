import { findCleanEngine } from "../engine/leftovers.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { loadImageTarball } from "../image/load-image.ts";
import type { Call } from "./command.ts";

/** `pvh load TARBALL`: put what `docker save` or a Yocto build wrote on the engine. */
export async function loadCommand({ args, out, signal }: Call): Promise<ExitCode> {
  const find = { signal, progress: (line: string) => out.say(line) };
  const engine = await findCleanEngine(find);
  const image = await loadImageTarball(engine, args.word(0) ?? "", find);
  if (!image.loaded) out.say(`the engine has ${image.ref} already`);
  out.data(args.flag("json") ? JSON.stringify(image) : image.ref);
  return EXIT.pass;
}
