import type { ShownFailure } from "../failures.ts";
import { h, portions } from "./dom.ts";
import { linkTo } from "./route.ts";

/** Blocks of failures, in portions. */
export function failureList(failures: readonly ShownFailure[], portion: number): HTMLElement {
  return portions(failures, portion, failureBlock);
}

export function failureBlock(failure: ShownFailure): HTMLElement {
  const { scenario, check, title, where, message, code, hint, frame, again } = failure;
  const name = scenario === "" ? "the run" : `${scenario}${check === "" ? "" : ` > ${check}`}`;
  const [first = "", ...rest] = message.split("\n");
  return h(
    "article",
    { class: "failure", tabindex: "-1" },
    h(
      "h3",
      {},
      scenario === ""
        ? name
        : h("a", { href: linkTo("scenarios", scenario, ...(check === "" ? [] : [check])) }, name),
    ),
    h("p", { class: "promise" }, title === "" ? where : title),
    h("p", { class: "says" }, first),
    rest.length > 0 && h("pre", { tabindex: "0" }, rest.join("\n")),
    h("p", { class: "code" }, `${failure.class} ${code}`),
    hint !== "" && h("p", {}, `hint: ${hint}`),
    frame !== "" && h("p", { class: "frame" }, frame),
    h(
      "p",
      {},
      scenario !== "" && h("a", { href: linkTo("timeline", scenario) }, "timeline"),
      " ",
      scenario !== "" && h("a", { href: linkTo("logs", scenario) }, "logs"),
    ),
    h("p", { class: "again" }, h("code", {}, again), " ", copyButton(again)),
  );
}

function copyButton(text: string): HTMLElement {
  const button = h("button", { type: "button" }, "copy");
  button.addEventListener("click", () => {
    void navigator.clipboard.writeText(text).then(
      () => {
        button.textContent = "copied";
      },
      () => {
        button.textContent = "select it";
      },
    );
  });
  return button;
}
