import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { foldRun } from "../run-state.ts";
import { HOSTILE, record, SAMPLE } from "../testdata/sample-run.ts";
import { embedded, htmlReport } from "./page.ts";

const events = record(SAMPLE);
const client = `document.title = "</script>";`;
const page = htmlReport({ state: foldRun(events), events, folder: ".pvh/runs/x" }, client);

test("the policy allows the page's own script and style, and they are what it names", () => {
  const [, policy = ""] = /Content-Security-Policy" content="([^"]+)"/.exec(page) ?? [];
  expect(policy).toMatch(
    /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'/,
  );
  for (const [tag, text = ""] of page.matchAll(
    /<(?:script|style)>([\s\S]*?)<\/(?:script|style)>/g,
  )) {
    const hash = createHash("sha256").update(text).digest("base64");
    expect(policy, tag.slice(0, 40)).toContain(`'sha256-${hash}'`);
  }
});

test("the page asks for no other file, and texts of containers are no markup", () => {
  expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  expect(page.match(/<script/g)).toHaveLength(2);
  expect(HOSTILE).toContain("<b>");
  expect(page).not.toContain("<b>");
  expect(page).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
});

test("whatever texts are, the data stay one element and are read back as printable", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      fc.constantFrom("</script>", "<!--", ""),
      (text, by) => {
        const json = embedded({ text: text + by });
        expect(json).not.toContain("<");
        expect((JSON.parse(json) as { text: string }).text.endsWith(by)).toBe(true);
      },
    ),
  );
});
