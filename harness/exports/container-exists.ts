import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectFacts } from "../project-facts.ts";
import { ROOT } from "../root.ts";

export const EXAMPLES = join(ROOT, "containers/examples");

/**
 * Imports next to nothing: each list of scenarios asks for all their containers.
 * @param item an example's name, that of a container of the project, or a path, which has a slash
 */
export function containerExists(item: string): boolean {
  if (item.includes("/")) return existsSync(item);
  if (Object.hasOwn(projectFacts()?.containers ?? {}, item)) return true;
  return item.startsWith("pv-example-") && existsSync(join(EXAMPLES, item));
}
