import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { PvhError } from "./errors.ts";
import { ROOT } from "./root.ts";

/**
 * Folder of an installed package, links resolved, looked for as Node does: in the `node_modules` of each
 * folder above. A package that exports no path of its files is found, too.
 *
 * @param from folder of the package that depends on it; default: pvh itself
 * @throws PvhError PVH_BUILD
 */
export function packageFolder(name: string, from = ROOT): string {
  const found = findPackage(name, from);
  if (found !== undefined) return found;
  throw new PvhError("PVH_BUILD", `the package ${name} is not installed`, {
    hint: "npm install --include=optional",
  });
}

function findPackage(name: string, from: string): string | undefined {
  const folder = join(from, "node_modules", name);
  if (existsSync(folder)) return realpathSync(folder);
  const above = dirname(from);
  return above === from ? undefined : findPackage(name, above);
}

/** The Node of the image's programs, which pvh itself prefers as well. */
export function pinnedNode(): string {
  return join(packageFolder(`node-linux-${process.arch}`), "bin/node");
}
