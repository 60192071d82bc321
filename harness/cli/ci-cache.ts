import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { cacheFolder } from "../engine/folders.ts";
import { PvhError } from "../errors.ts";
import { readInputs } from "../image/sources.ts";
import type { Call } from "./command.ts";

/** Kinds of the cache that take long to make; modules and exports are made again in seconds. */
const KEPT = ["rootfs", "node", "program", "examples", "own-roots", "rootfs-own"];

/**
 * `pvh ci-cache key|prefix|paths`: what a CI may keep. The key names the content. The durations of former
 * runs, `.pvh/history`, are no part of it: they change with each run, and all shards of one need the same.
 */
export async function ciCacheCommand({ args, out }: Call): Promise<ExitCode> {
  const what = args.word(0) ?? "";
  const prefix = `pvh-${process.arch}-`;
  switch (what) {
    case "key": {
      const { content } = await readInputs();
      out.data(`${prefix}${content.slice(0, 16)}`);
      return EXIT.pass;
    }
    case "prefix":
      out.data(prefix);
      return EXIT.pass;
    case "paths":
      for (const kind of KEPT) out.data(cacheFolder(kind));
      return EXIT.pass;
    default:
      throw new PvhError("PVH_USAGE", `pvh ci-cache ${what}: expected key, prefix or paths`);
  }
}
