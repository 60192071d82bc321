import { join } from "node:path";
import type { Quirks } from "../shared/quirks/quirks.ts";
import type { AppengineConfig } from "./appengine-config.ts";
import type { PantavisorLog } from "./pantavisor-log.ts";

export const BUILD = "pvh reference 0.2.0";

export interface PantavisorOptions {
  readonly config: AppengineConfig;
  readonly revision: string;
  /** True when this boot tries the revision, which is not committed yet. */
  readonly trial: boolean;
  readonly environment: NodeJS.ProcessEnv;
  readonly quirks: Quirks;
  /** Called with pantavisor.log as soon as it is open. */
  readonly onLog?: (log: PantavisorLog) => void;
}

/** Path of pv-ctrl's socket. */
export function socketOf({ runDirectory }: AppengineConfig): string {
  return join(runDirectory, "pv-ctrl");
}
