import { placeIn } from "../place-in.ts";

/** A container that a check enters by its name. */
export interface EnteredName {
  readonly name: string;
  /** `LINE:COLUMN` in the scenario's file, from 1; absent where the place cannot be told. */
  readonly at?: string;
}

const CALL = /\binside\(\s*(?:(["'`])([^"'`$\\\n]+)\1|([A-Z][A-Z0-9_]*))\s*[,)]/g;

/**
 * Names in `inside("NAME")` and in `inside(CONSTANT)`, for a constant of the file's top level; none where the
 * check may boot an appengine with other containers.
 * @param body the check's function
 * @param source text of its file
 */
export function enteredNames(body: unknown, source: string): readonly EnteredName[] {
  const text = typeof body === "function" ? Function.prototype.toString.call(body) : "";
  if (/bootAppengine|steps|exports/i.test(text)) return [];
  // Types are stripped by blanks, so a place in the loaded text is one in the file.
  const begin = source.indexOf(text.split("\n", 1)[0] ?? "");
  const names = [...text.matchAll(CALL)].flatMap((call): EnteredName[] => {
    const [whole, , literal, constant = ""] = call;
    const name = literal ?? constantOf(source, constant);
    if (name === undefined) return [];
    const place = begin < 0 ? -1 : source.indexOf(whole, begin);
    return [{ name, ...(place >= 0 && { at: placeIn(source, place) }) }];
  });
  return names.filter(({ name }, index) => names.findIndex((one) => one.name === name) === index);
}

function constantOf(source: string, constant: string): string | undefined {
  if (constant === "") return undefined;
  const declared = new RegExp(
    String.raw`^(?:export )?const ${constant}(?:: \w+)? = (["'])([^"'\\\n]+)\1`,
    "m",
  );
  return declared.exec(source)?.[2];
}
