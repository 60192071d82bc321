import { findHeld } from "../appengine/held.ts";
import { findEngine } from "../engine/engine.ts";
import { reap } from "../engine/reaper.ts";
import { EXIT } from "../exit-codes.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { Output } from "./output.ts";

export interface DownOptions {
  readonly name?: string;
  /** Everything with our labels, running or not, whoever made it. */
  readonly all: boolean;
  readonly signal: AbortSignal;
}

/** Remove held appengines and their volumes. */
export async function downCommand(options: DownOptions, out: Output): Promise<ExitCode> {
  const engine = await findEngine({ signal: options.signal });
  if (options.all) {
    const removed = await reap(engine, { kind: "all" });
    out.say(
      `removed ${removed.containers.length} container(s) and ${removed.volumes.length} volume(s)`,
    );
    return EXIT.pass;
  }
  const { name } = await findHeld(engine, options.name);
  await reap(engine, { kind: "container", name });
  out.say(`removed ${name}`);
  return EXIT.pass;
}
