import type { rawExchange, RawExchange } from "../control/raw-exchange.ts";
import type { AppengineShell } from "./appengine-shell.ts";

/** Sources of evidence: the appengine's shell, its pv-ctrl and the output of pv-appengine. */
export interface EvidenceSource extends Pick<AppengineShell, "sh" | "control"> {
  output(): Promise<string>;
  /** Send bytes as they are to pv-ctrl and collect the answer. */
  rawControl(
    bytes: string | Buffer,
    options: Parameters<typeof rawExchange>[2],
  ): Promise<RawExchange>;
}
