import type { ShownFailure } from "../failures.ts";
import { h, portions } from "./dom.ts";
import { linkTo } from "./route.ts";

/** Blocks of failures, in portions. */
export function failureList(failures: readonly ShownFailure[], portion: number): HTMLElement {
  return portions(failures, portion, failureBlock);
}

export function failureBlock(failure: ShownFailure): HTMLElement {
  const { scenario, check, causes, title, where, promise, source, says, missing, hint } = failure;
  const { excerpt, seen, frame, again, hold } = failure;
  const [cause, ...others] = causes;
  return h(
    "article",
    { class: "failure", tabindex: "-1" },
    cause !== undefined && h("p", { class: "cause" }, `${cause[0]}; fix: ${cause[1]}`),
    h(
      "h3",
      {},
      scenario === ""
        ? failure.name
        : h(
            "a",
            { href: linkTo("scenarios", scenario, ...(check === "" ? [] : [check])) },
            failure.name,
          ),
    ),
    h("p", { class: "promise" }, title === "" ? where : title),
    h("p", { class: "says" }, says),
    promise !== "" && h("p", {}, `promise: ${promise}`),
    source !== "" && h("p", { class: "dim" }, source),
    missing !== "" && h("p", {}, `missing: ${missing}`),
    failure.unrun !== "" && h("p", {}, `not run: ${failure.unrun}`),
    lines(failure.rest),
    lines(failure.diff),
    seen !== undefined && quote("seen last", seen),
    excerpt !== undefined &&
      quote("", {
        from: `${excerpt.file}:${excerpt.line}`,
        lines: excerpt.lines.map((line, index) => {
          const number = excerpt.from + index;
          return `${number === excerpt.line ? ">" : " "} ${number}  ${line}`;
        }),
      }),
    ...failure.quotes.map((one) => quote("told by", one)),
    ...others.map(([other, fix]) => h("p", {}, `or: ${other}; fix: ${fix}`)),
    hint !== "" && h("p", {}, `hint: ${hint}`),
    excerpt === undefined && frame !== "" && h("p", { class: "frame" }, frame),
    h("p", { class: "code" }, `${failure.class} ${failure.code}`),
    scenario !== "" &&
      h(
        "p",
        {},
        h("a", { href: linkTo("timeline", scenario) }, "timeline"),
        " ",
        h("a", { href: linkTo("logs", scenario) }, "logs"),
      ),
    ...[again, hold].filter((command) => command !== "").map(commandLine),
  );
}

function lines(all: readonly string[]): HTMLElement | false {
  return all.length > 0 && h("pre", { tabindex: "0" }, all.join("\n"));
}

function quote(
  label: string,
  { from, lines: all }: { readonly from: string; readonly lines: readonly string[] },
): HTMLElement {
  return h(
    "div",
    {},
    h("p", { class: "frame" }, `${label} ${from}`.trim()),
    h("pre", { tabindex: "0" }, all.join("\n")),
  );
}

function commandLine(command: string): HTMLElement {
  return h("p", { class: "again" }, h("code", {}, command), " ", copyButton(command));
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
