import { existsSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
import { PvhError } from "../errors.ts";
import { didYouMean } from "../near-names.ts";
import { projectFacts } from "../project-facts.ts";
import { containerExists } from "./container-exists.ts";
import { exampleNames } from "./container-folder.ts";

/**
 * @param item an example's name, that of a container of the project, or a path, which has a slash
 * @returns PVH_USAGE with near names where there is no such container
 */
export async function missingContainer(item: string): Promise<PvhError | undefined> {
  if (containerExists(item)) return undefined;
  if (item.includes("/")) return missingPath(item);
  const own = Object.keys(projectFacts()?.containers ?? {});
  const known = [...own, ...(await exampleNames())];
  return new PvhError("PVH_USAGE", `there is no container ${JSON.stringify(item)}`, {
    hint:
      didYouMean(item, known) ??
      `there are ${known.join(" ")}; write ./${item} for a file or folder`,
  });
}

function missingPath(item: string): PvhError {
  const folder = dirname(item);
  const there = existsSync(folder) ? readdirSync(folder).map((name) => `${folder}/${name}`) : [];
  const near = didYouMean(item, there);
  return new PvhError("PVH_USAGE", `${item} does not exist`, {
    hint: near ?? "give an export, the folder of a container, or a container's name",
  });
}
