import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { OWN_SOURCES } from "./root.ts";

const PROGRAM = `
  await import(${JSON.stringify(join(import.meta.dirname, "lean-zod.ts"))});
  const z = await import(${JSON.stringify(import.meta.resolve("zod"))});
  const { message } = z.string().safeParse(3).error.issues[0];
  const languages = Object.keys(z.locales);
  const loaded = () => Object.keys(process.getBuiltinModule("node:module")._cache).length;
  const before = loaded();
  const { localeError } = z.locales.de();
  const german = localeError({ code: "invalid_type", expected: "string", input: 3 });
  console.log(JSON.stringify({ message, languages, before, after: loaded(), german }));
`;

test("zod loads the texts of a language when it is asked for them", () => {
  const argv = [...OWN_SOURCES, "--input-type=module", "-e", PROGRAM];
  const seen: unknown = JSON.parse(execFileSync(process.execPath, argv, { encoding: "utf8" }));
  expect(seen).toEqual({
    message: "Invalid input: expected string, received number",
    languages: expect.arrayContaining(["de", "en", "zhTW"]) as unknown,
    before: 0,
    after: expect.toSatisfy((count: number) => count > 0) as unknown,
    german: "Ungültige Eingabe: erwartet string, erhalten Zahl",
  });
});
