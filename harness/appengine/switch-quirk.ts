import { shellQuote } from "../shell-quote.ts";
import type { Appengine } from "./appengine.ts";
import { restartBroker } from "./restart-broker.ts";

/**
 * File in an appengine that was booted for mutants: the quirks of programs that start from then on. Its
 * environment names it as `PVH_QUIRKS_FILE`.
 */
export const QUIRKS_FILE = "/run/pvh-quirks";

/** Start pv-xconnect anew, which then deviates in nothing but this. */
export async function switchQuirk(
  appengine: Appengine,
  quirk: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const list = shellQuote(quirk ?? "");
  await appengine.text(`printf %s ${list} >${QUIRKS_FILE}`, { signal });
  await restartBroker(appengine, signal);
}
