import { h } from "./dom.ts";

/** Keys and what they do; `views` are opened by their number. */
export function installKeys(open: (index: number) => void): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const isTyping =
      event.target instanceof HTMLElement && /^(INPUT|SELECT)$/.test(event.target.tagName);
    if (isTyping) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (/^[1-6]$/.test(event.key)) open(Number(event.key) - 1);
    else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "/") document.querySelector<HTMLInputElement>(".filter")?.focus();
    else return;
    event.preventDefault();
  });
}

export function keyHelp(): HTMLElement {
  return h(
    "p",
    { class: "keys" },
    ...(["1–6 views", "j k failures", "/ filter", "← → moment"] as const).map((text) =>
      h("kbd", {}, text),
    ),
  );
}

/** Go to the next failure, or the one before. */
function step(by: number): void {
  const all = [...document.querySelectorAll<HTMLElement>(".failure, .row a")];
  const at = all.indexOf(document.activeElement as HTMLElement);
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}
