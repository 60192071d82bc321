import { printable } from "./printable.ts";

// Characters, besides the controls, that XML 1.0 §2.2 forbids: lone surrogates, U+FFFE, U+FFFF.
const ILLEGAL =
  /[\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** Text content: legal in XML 1.0, without escape sequences, markup escaped. */
export function xmlText(text: string): string {
  return printable(text)
    .replace(ILLEGAL, "")
    .replace(/[&<>"]/g, (character) => ENTITIES[character] ?? "");
}

/** An attribute's value: as text, with its line breaks kept as references. */
function xmlAttribute(text: string): string {
  return xmlText(text).replaceAll("\n", "&#10;").replaceAll("\t", "&#9;");
}

/** ` a="1" b="2"`, undefined values left out. */
export function xmlAttributes(
  values: Readonly<Record<string, string | number | undefined>>,
): string {
  return Object.entries(values)
    .flatMap(([name, value]) =>
      value === undefined ? [] : [` ${name}="${xmlAttribute(String(value))}"`],
    )
    .join("");
}
