import { h } from "./dom.ts";

let number = 0;

/** A field whose text filters what is below it; `/` puts the cursor there. */
export function filterField(hint: string, onChange: (text: string) => void): HTMLElement {
  number += 1;
  const id = `filter-${number}`;
  const input = h("input", { id, type: "search", placeholder: hint, class: "filter" });
  input.addEventListener("input", () => onChange(input.value));
  return h("p", {}, h("label", { for: id }, "Filter "), input);
}
