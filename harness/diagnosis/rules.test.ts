import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "../root.ts";
import { clueOf, failureClue } from "./clue.ts";
import type { Clue } from "./clue.ts";
import { diagnose } from "./diagnose.ts";
import { RULES } from "./rules.ts";

const FOLDER = join(ROOT, "fixtures/diagnosis");

/** Evidence of a fixture: `# fires` and `# quiet`, each with files that begin with `== NAME`. */
function evidenceOf(rule: string): { readonly fires: Clue[]; readonly quiet: Clue[] } {
  const text = readFileSync(join(FOLDER, `${rule}.txt`), "utf8");
  const [, fires = "", quiet = ""] = text.split(/^# (?:fires|quiet)\n/m);
  return { fires: cluesIn(fires), quiet: cluesIn(quiet) };
}

function cluesIn(text: string): Clue[] {
  return text
    .split(/^== /m)
    .slice(1)
    .map((part) => {
      const [name = "", ...lines] = part.split("\n");
      const content = lines.join("\n");
      return name === "failure" ? failureClue(content) : clueOf(name, content);
    });
}

describe("each rule fires on its evidence, and not on what is like it", () => {
  test.each(RULES.map((rule) => [rule.id, rule] as const))("%s", (id, rule) => {
    const { fires, quiet } = evidenceOf(id);
    const [found] = diagnose([rule], fires);
    expect(found?.rule).toBe(id);
    expect(found?.evidence.length).toBeGreaterThan(0);
    expect(`${found?.cause ?? ""} ${found?.fix ?? ""}`).not.toMatch(/\{[a-z]\w*\}/);
    expect(quiet.length).toBeGreaterThan(0);
    expect(diagnose([rule], quiet)).toEqual([]);
  });

  test("and it is the first of all rules on that evidence", () => {
    const others = RULES.flatMap(({ id }) => {
      const first = diagnose(RULES, evidenceOf(id).fires)[0]?.rule;
      return first === id ? [] : [`${id}: ${first ?? "none"}`];
    });
    // An export that came late is told of by two rules; a loop is one of its cause.
    expect(others).toEqual([]);
  });
});

test("a pv-xconnect that has just started is not told to be buffered", () => {
  const { fires } = evidenceOf("xconnect-buffered");
  const young = clueOf(
    "processes.txt",
    "    PID    PPID STAT ELAPSED COMMAND\n     66      30 Sl         2 pv-xconnect\n",
  );
  const others = fires.filter(({ kind }) => kind !== "processes");
  expect(diagnose(RULES, [...others, young])).toEqual([]);
});

test("each fixture belongs to a rule, and each rule has an id of its own", () => {
  const ids = RULES.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(readdirSync(FOLDER).sort()).toEqual(ids.map((id) => `${id}.txt`).sort());
});

test("each rule says what to do, and where that is from", () => {
  for (const { id, cause, fix, source, shows } of RULES) {
    expect([id, cause.length > 20, fix.length > 10, shows.length > 0]).toEqual([
      id,
      true,
      true,
      true,
    ]);
    expect(source, id).toMatch(/^(docs\/[\w/.-]+( §[\d.]+(, §[\d.]+)*)?|GEMINI\.md|Pantavisor's)/);
  }
});

test("the log of a healthy real appengine fires no rule", () => {
  const path = "fixtures/logs/unix-pair-pantavisor.log";
  const log = clueOf("pantavisor.log", readFileSync(join(ROOT, path), "utf8"));
  expect(diagnose(RULES, [log])).toEqual([]);
});
