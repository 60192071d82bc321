import type { Checkout } from "../checkout.ts";
import type { LayerRule } from "../rule.ts";

const MEND =
  'add PANTAVISOR_FEATURES:remove:armv7ve = " wasmedge" to KAS_LOCAL_FEATURE_WASMEDGE in Kconfig';
const REMOVES = /PANTAVISOR_FEATURES:remove:armv7ve\s*=\s*\\?"([^"\\]*)\\?"/g;

/** WasmEdge does not build for armv7ve; the feature is taken away there. */
export const armv7veRule: LayerRule = {
  id: "layer.armv7ve",
  look: (checkout) => {
    const lines = settings(checkout);
    const removes = lines.some(({ text }) =>
      [...text.matchAll(REMOVES)].some(([, words = ""]) => words.split(/\s+/).includes("wasmedge")),
    );
    if (removes) return { findings: [] };
    const near =
      lines.find(({ text }) => text.includes("armv7ve") && text.includes("wasmedge")) ??
      lines.find(({ text }) => text.includes("PANTAVISOR_FEATURES:remove:armv7ve")) ??
      lines.find(({ text }) => text.includes("KAS_LOCAL_FEATURE_WASMEDGE"));
    const { file = "Kconfig", line = 1 } = near ?? {};
    const what = near?.text.includes("armv7ve")
      ? `${near.text.trim().slice(0, 200)} does not take wasmedge away from armv7ve`
      : "nothing takes wasmedge away from armv7ve";
    return { findings: [{ file, line, what, mend: MEND }] };
  },
};

/** Lines that set variables: of Kconfig, of the distributions and machines, of kas. */
function settings(checkout: Checkout): { file: string; line: number; text: string }[] {
  const files = [
    "Kconfig",
    ...checkout.under("conf", ".conf", ".inc"),
    ...checkout.under("kas", ".yaml", ".yml"),
  ];
  return files.flatMap((file) =>
    (checkout.text(file) ?? "")
      .split("\n")
      .map((text, index) => ({ file, line: index + 1, text }))
      .filter(({ text }) => !/^\s*#/.test(text)),
  );
}
