import type { Container } from "dockerode";
import { hasOwnTools, hasTools, labelsOf } from "../engine/labels.ts";
import { TOOLS } from "./layout.ts";

/** An engine's default, for an image that sets none. */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Environment for pvh's commands in an appengine: pvh's tools come first in the search path,
 * because an image's `find` or `ps` may lack what a command needs.
 */
export async function toolsEnvironment(container: Container): Promise<readonly string[]> {
  const { Config } = await container.inspect();
  const labels = labelsOf(Config);
  if (!hasTools(labels) || hasOwnTools(labels)) return [];
  // An engine may say null for none.
  const variables = (Config.Env as readonly string[] | null) ?? [];
  const path = variables.find((variable) => variable.startsWith("PATH="))?.slice("PATH=".length);
  return [`PATH=${TOOLS}/bin:${path ?? DEFAULT_PATH}`];
}
