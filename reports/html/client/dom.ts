export type Child = Node | string | undefined | false;

interface Attributes {
  readonly class?: string;
  readonly id?: string;
  readonly title?: string;
  readonly href?: string;
  readonly type?: string;
  readonly role?: string;
  readonly scope?: string;
  readonly for?: string;
  readonly value?: string;
  readonly placeholder?: string;
  readonly tabindex?: string;
  readonly "aria-label"?: string;
  readonly "aria-current"?: string;
  readonly "aria-live"?: string;
}

/** An element; its texts are text nodes, in which nothing is markup. */
export function h<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  append(element, children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** An element of a drawing. */
export function svg(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  ...children: readonly Child[]
): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  append(element, children);
  return element;
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) if (child !== undefined && child !== false) element.append(child);
}

/** A table with its heads; cells are texts or elements. */
export function table(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly Child[])[],
): HTMLElement {
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head)))),
      h(
        "tbody",
        {},
        ...rows.map((cells) => h("tr", {}, ...cells.map((cell) => h("td", {}, cell)))),
      ),
    ),
  );
}

/** A word of a verdict, told by its text as well as by its colour. */
export function badge(verdict: string): HTMLElement {
  const kind = /^(passed|failed|skipped|flaky|known)$/.test(verdict) ? verdict : "unknown";
  return h("span", { class: `badge ${kind}` }, verdict);
}

export function seconds(ms: number): string {
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}

/** Items in portions: thousands at once would keep the browser busy. */
export function portions<T>(
  items: readonly T[],
  size: number,
  show: (item: T) => Node,
  parent: HTMLElement = h("div"),
): HTMLElement {
  let shown = 0;
  const more = h("button", { type: "button", class: "more" });
  const add = (): void => {
    more.before(...items.slice(shown, shown + size).map(show));
    shown = Math.min(items.length, shown + size);
    more.textContent = `${items.length - shown} more`;
    more.hidden = shown >= items.length;
  };
  more.addEventListener("click", add);
  parent.append(more);
  add();
  return parent;
}
