import { resolve } from "node:path";
import { shownAddress } from "../engine/engine.ts";
import { findCleanEngine } from "../engine/leftovers.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { PROFILES } from "../catalogue/profiles.ts";
import type { Profile } from "../catalogue/profiles.ts";
import { ensureBareImage } from "../image/bare-image.ts";
import { ensureProfileImage } from "../image/profile-image.ts";
import { BARE_TAG, ensureReferenceImage, REFERENCE_TAG } from "../image/reference-image.ts";
import { PvhError } from "../errors.ts";
import { saveImage } from "../image/save-image.ts";
import type { Call } from "./command.ts";
import { oneOf } from "./parse-value.ts";

/**
 * `pvh build`: make the reference appengine's image, or find that the engine has it. With
 * `--profile` it behaves so wherever it is run, with `--output` it is written to a file. With
 * `--kas` it builds a checkout of meta-pantavisor.
 */
export async function buildCommand(call: Call): Promise<ExitCode> {
  const { args, out, signal } = call;
  const checkout = args.text("kas");
  if (checkout !== undefined) {
    return (await import("./build-kas.ts")).buildCheckout(checkout, call);
  }
  const alone = ["machine", "target", "workspace"].find(
    (name) => args.text(name) !== undefined || args.flag(name) || args.list(name).length > 0,
  );
  if (alone !== undefined) {
    throw new PvhError("PVH_USAGE", `--${alone} needs --kas DIR, the checkout to build`);
  }
  const name = oneOf(args, "profile", Object.keys(PROFILES) as Profile[]) ?? "strict";
  const output = args.text("output");
  const find = { signal, progress: (line: string) => out.say(line) };
  const engine = await findCleanEngine(find);
  const reference = await ensureReferenceImage(engine, find);
  if (!reference.loaded) out.say(`${reference.ref} is up to date`);
  const isBare = args.flag("bare");
  const base = isBare ? await ensureBareImage(engine, find) : reference.ref;
  const quirks = PROFILES[name];
  const isStrict = quirks.length === 0;
  const ref = isStrict ? base : await ensureProfileImage(engine, base, { name, quirks }, find);
  if (output !== undefined) {
    await saveImage(engine, ref, resolve(output), signal);
    out.say(`${ref} is in ${output}`);
  }
  const tags = isStrict ? [ref, isBare ? BARE_TAG : REFERENCE_TAG] : [ref];
  const json = {
    ...(ref === reference.ref ? reference : {}),
    ref,
    tags,
    engine: shownAddress(engine),
  };
  out.data(args.flag("json") ? JSON.stringify(json) : ref);
  return EXIT.pass;
}
