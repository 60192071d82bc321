import { expect, it } from "vitest";
import { printable } from "./printable.ts";

it("every control character is written as its escape, and nothing else is touched", () => {
  expect(printable('a\n\u001b[2J\u007f\u0085"\\ö')).toBe('a\\n\\u001b[2J\\u007f\\u0085"\\ö');
  const all = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");
  expect(printable(all)).not.toMatch(/\p{Cc}/u);
});
