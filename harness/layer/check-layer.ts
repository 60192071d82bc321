import { PvhError } from "../errors.ts";
import { messageOfThrown } from "../thrown.ts";
import { BLIND_RULES } from "./blind-rules.quirk.ts";
import { Checkout } from "./checkout.ts";
import type { BuildLog, LayerFinding } from "./rule.ts";
import { LAYER_RULES } from "./rules.ts";

/** A row of the catalogue, and how the checkout stands to it. */
export interface LayerRow {
  readonly id: string;
  readonly state: "ok" | "failed" | "skipped";
  readonly findings: readonly LayerFinding[];
  /** Reason of a skip. */
  readonly reason?: string;
}

export interface LayerOptions {
  readonly logs?: readonly BuildLog[];
  readonly quirks?: readonly string[];
}

/** @throws PvhError PVH_USAGE for a folder that is no checkout of meta-pantavisor */
export function openCheckout(folder: string): Checkout {
  let checkout: Checkout;
  try {
    checkout = new Checkout(folder);
  } catch (cause) {
    throw new PvhError("PVH_USAGE", `${folder} cannot be read: ${messageOfThrown(cause)}`, {
      cause,
    });
  }
  const isLayer = (checkout.text("conf/layer.conf") ?? "").includes("BBFILE_COLLECTIONS");
  if (isLayer && checkout.names("kas").length > 0) return checkout;
  const lacks = isLayer ? "kas" : "conf/layer.conf of a layer";
  throw new PvhError(
    "PVH_USAGE",
    `${folder} is no checkout of meta-pantavisor: it has no ${lacks}`,
    {
      hint: "git clone https://github.com/pantavisor/meta-pantavisor",
    },
  );
}

/** Judge a checkout by the rows `layer.*` of the catalogue. Nothing in it is run. */
export function checkLayer(
  checkout: Checkout,
  { logs = [], quirks = [] }: LayerOptions = {},
): LayerRow[] {
  const blind = quirks.map((quirk) => BLIND_RULES[quirk]);
  return LAYER_RULES.map(({ id, look }): LayerRow => {
    if (blind.includes(id)) return { id, state: "ok", findings: [] };
    const { findings, skipped } = look(checkout, logs);
    if (findings.length > 0) {
      return { id, state: "failed", findings: findings.map((one) => explained(checkout, one)) };
    }
    return skipped === undefined
      ? { id, state: "ok", findings }
      : { id, state: "skipped", findings, reason: skipped };
  });
}

/** A file that is there and cannot be read is not missing. */
function explained(checkout: Checkout, finding: LayerFinding): LayerFinding {
  const why = checkout.unread.get(finding.file);
  return why === undefined ? finding : { ...finding, what: `it cannot be read: ${why}` };
}
