import type * as z from "zod";
import { JsonRefused, parseUntrusted } from "../../shared/formats/json-depth.ts";

/**
 * The body of a request as a document.
 * @param what the body is called in the error, for one that is not JSON or not of that shape
 */
export function parseJson<T>(
  text: string,
  schema: z.ZodType<T>,
  what: string,
): { readonly value: T } | { readonly error: string } {
  const error = `${what} has bad format`;
  try {
    const parsed = schema.safeParse(parseUntrusted(text));
    return parsed.success ? { value: parsed.data } : { error };
  } catch (why) {
    return { error: why instanceof JsonRefused ? `${error}: ${why.message}` : error };
  }
}
