import { createHash } from "node:crypto";
import { printable } from "../printable.ts";
import { reportData } from "./report-data.ts";
import type { ReportSources } from "./report-data.ts";
import { STYLE } from "./style.ts";

/**
 * report.html: the run as one page that needs no other file. Its policy allows its own script and style
 * by their hashes and nothing else, texts of the record are data that the script shows as text.
 *
 * @param client bundle of client/main.ts
 */
export function htmlReport(sources: ReportSources, client: string): string {
  // An HTML parser ends the element at this word, wherever in the script it stands.
  const script = client.replaceAll("</script", String.raw`<\/script`);
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(STYLE)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return [
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="referrer" content="no-referrer">',
    '<meta name="color-scheme" content="light dark">',
    "<title>pvh report</title>",
    `<style>${STYLE}</style>`,
    "</head>",
    "<body>",
    "<noscript>This report needs JavaScript; summary.md and junit.xml beside it do not.</noscript>",
    `<script type="application/json" id="data">${embedded(reportData(sources))}</script>`,
    `<script>${script}</script>`,
    "</body>",
    "</html>",
    "",
  ].join("\n");
}

/** JSON that ends no element and opens none, whatever its texts are. */
export function embedded(data: unknown): string {
  return JSON.stringify(data, (_key, value: unknown) =>
    typeof value === "string" ? printable(value) : value,
  ).replaceAll("<", String.raw`\u003c`);
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
