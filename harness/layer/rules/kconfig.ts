import { kconfigSymbols } from "../kconfig.ts";
import type { KconfigSymbol } from "../kconfig.ts";
import type { LayerFinding, LayerRule } from "../rule.ts";

const FILE = "Kconfig";
const FEATURES = ["FEATURE_WASMEDGE", "FEATURE_XCONNECT"];
const LOCAL = "KAS_LOCAL_FEATURE_WASMEDGE";
const APPENDED = 'PANTAVISOR_FEATURES:append = " wasmedge"';
const MEND = `default "${APPENDED.replaceAll('"', '\\"')}" if FEATURE_WASMEDGE`;

/** The switches of WasmEdge and of pv-xconnect, and what the first one writes. */
export const kconfigRule: LayerRule = {
  id: "layer.kconfig",
  look: (checkout) => {
    const text = checkout.text(FILE);
    if (text === undefined) {
      const what = "there is no Kconfig";
      return { findings: [{ file: FILE, line: 1, what, mend: "add the layer's Kconfig" }] };
    }
    const symbols = kconfigSymbols(text);
    const find = (wanted: string) => symbols.find(({ name }) => name === wanted);
    const findings = FEATURES.flatMap((name) => wrongSwitch(name, find(name)));
    return { findings: [...findings, ...wrongLocal(find(LOCAL), find(FEATURES[0] ?? ""))] };
  },
};

function wrongSwitch(name: string, symbol: KconfigSymbol | undefined): LayerFinding[] {
  if (symbol?.type === "bool") return [];
  const line = symbol?.line ?? 1;
  const what =
    symbol === undefined
      ? `it has no config ${name}`
      : `config ${name} is ${symbol.type ?? "without a type"}, not a bool`;
  return [{ file: FILE, line, what, mend: `config ${name} with bool and default n` }];
}

function wrongLocal(
  symbol: KconfigSymbol | undefined,
  feature: KconfigSymbol | undefined,
): LayerFinding[] {
  const add = `config ${LOCAL}, a string with ${MEND}`;
  if (symbol === undefined) {
    const line = feature?.line ?? 1;
    return [{ file: FILE, line, what: `it has no config ${LOCAL}`, mend: `add ${add}` }];
  }
  const { line } = symbol;
  if (symbol.type !== "string") {
    const what = `config ${LOCAL} is ${symbol.type ?? "without a type"}, not a string`;
    return [{ file: FILE, line, what, mend: `write ${add}` }];
  }
  const appends = symbol.defaults.find(({ value }) =>
    value.split("\n").some((one) => one.trim().replace(/\s*=\s*/, " = ") === APPENDED),
  );
  if (appends === undefined) {
    const near = symbol.defaults.find(({ value }) => value.includes("wasmedge"));
    const what =
      near === undefined
        ? `config ${LOCAL} does not append wasmedge`
        : `config ${LOCAL} writes ${JSON.stringify(near.value)}, which does not append " wasmedge"`;
    return [{ file: FILE, line: near?.line ?? line, what, mend: `write ${MEND}` }];
  }
  if (/\bFEATURE_WASMEDGE\b/.test(appends.condition ?? "")) return [];
  const what = `config ${LOCAL} appends wasmedge whether or not FEATURE_WASMEDGE is set`;
  return [{ file: FILE, line: appends.line, what, mend: `write ${MEND}` }];
}
