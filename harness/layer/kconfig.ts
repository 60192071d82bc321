/** A symbol of a Kconfig file. */
export interface KconfigSymbol {
  readonly name: string;
  readonly line: number;
  /** `bool`, `string`, …; undefined where none is given. */
  readonly type: string | undefined;
  /** Values of `default "…" if X`, with Kconfig's escapes taken away. */
  readonly defaults: readonly {
    readonly value: string;
    readonly condition: string | undefined;
    readonly line: number;
  }[];
}

/** Symbols of a Kconfig file (kernel.org, "Kconfig Language"). */
export function kconfigSymbols(text: string): KconfigSymbol[] {
  const symbols: (Omit<KconfigSymbol, "defaults" | "type"> & {
    type: string | undefined;
    defaults: { value: string; condition: string | undefined; line: number }[];
  })[] = [];
  let current: (typeof symbols)[number] | undefined;
  text.split("\n").forEach((raw, index) => {
    const line = index + 1;
    const words = raw.trim();
    const [, name] = /^(?:menu)?config\s+(\w+)/.exec(words) ?? [];
    if (name !== undefined) {
      current = { name, line, type: undefined, defaults: [] };
      symbols.push(current);
      return;
    }
    if (/^(menu|endmenu|choice|endchoice|comment|source|if|endif)\b/.test(words)) {
      current = undefined;
    }
    if (current === undefined) return;
    const [, type] = /^(bool|tristate|string|int|hex)\b/.exec(words) ?? [];
    current.type ??= type;
    const given = /^default\s+(?:"((?:[^"\\]|\\.)*)"|(\S+))(?:\s+if\s+(.+))?$/.exec(words);
    if (given === null) return;
    const [, quoted, bare = "", condition] = given;
    const value = quoted === undefined ? bare : unescaped(quoted);
    current.defaults.push({ value, condition: condition?.trim(), line });
  });
  return symbols;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, letter: string) => (letter === "n" ? "\n" : letter));
}
