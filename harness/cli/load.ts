import { findCleanEngine } from "../engine/leftovers.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { loadImageTarball } from "../image/load-image.ts";
import type { Output } from "./output.ts";

export interface LoadOptions {
  readonly tarball: string;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

/** `pvh load TARBALL`: put what `docker save` or a Yocto build wrote on the engine. */
export async function loadCommand(options: LoadOptions, out: Output): Promise<ExitCode> {
  const find = { signal: options.signal, progress: (line: string) => out.say(line) };
  const engine = await findCleanEngine(find);
  const image = await loadImageTarball(engine, options.tarball, find);
  if (!image.loaded) out.say(`the engine has ${image.ref} already`);
  out.data(options.json ? JSON.stringify(image) : image.ref);
  return EXIT.pass;
}
