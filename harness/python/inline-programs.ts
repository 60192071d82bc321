import ts from "typescript";
import { dedent, indentOf } from "../dedent.ts";

/** A Python program in a TypeScript file, as the template that is tagged `python`. */
export interface InlineProgram {
  /** 1 for the first line of the file. */
  readonly line: number;
  /** Columns that its lines lost. */
  readonly indent: number;
  /** Lines that have text. */
  readonly length: number;
  /** Its lines are on the lines that they have in the file; a value is the name GIVEN. */
  readonly source: string;
}

/** Name that stands for a value that TypeScript puts into a program. */
export const GIVEN = "__given__";

/** The inline programs of a file. */
export function inlinePrograms(name: string, text: string): InlineProgram[] {
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, false);
  const programs: InlineProgram[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTaggedTemplateExpression(node) && node.tag.getText(file) === "python") {
      const { line } = file.getLineAndCharacterOfPosition(node.template.getStart(file));
      programs.push(programOf(rawText(node.template), line + 1));
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return programs;
}

function rawText(template: ts.TemplateLiteral): string {
  if (ts.isNoSubstitutionTemplateLiteral(template)) return template.rawText ?? template.text;
  const parts = [template.head, ...template.templateSpans.map(({ literal }) => literal)];
  return parts.map(({ rawText, text }) => rawText ?? text).join(GIVEN);
}

/** The first line is beside the opening backtick, so it has room for the definition of GIVEN. */
function programOf(text: string, line: number): InlineProgram {
  const lines = dedent(text).split("\n");
  const define = `from typing import Any; ${GIVEN}: Any = None`;
  const [first = "", ...rest] = lines;
  const source = [...Array<string>(line - 1).fill(""), `${define}; ${first}`, ...rest].join("\n");
  const length = lines.filter((one) => one.trim() !== "").length;
  return { line, indent: indentOf(text), length, source };
}
