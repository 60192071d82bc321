import * as z from "zod";
import { JsonRefused, parseUntrusted } from "../../shared/formats/json-depth.ts";

const bodySchema = z.object({ action: z.unknown() }).refine(({ action }) => action !== undefined);

/** The `action` of a request body; a message when there is none (docs/pantavisor.md §4.6). */
export function parseAction<A extends string>(
  body: string,
  known: readonly A[],
): { readonly action: A } | { readonly error: string } {
  let value: unknown;
  try {
    value = parseUntrusted(body);
  } catch (error) {
    if (error instanceof JsonRefused) return { error: error.message };
    return { error: "Missing 'action' field" };
  }
  const parsed = bodySchema.safeParse(value);
  if (!parsed.success) return { error: "Missing 'action' field" };
  const action = known.find((candidate) => candidate === parsed.data.action);
  if (action !== undefined) return { action };
  const quoted = known.map((one) => `'${one}'`);
  const choice = [quoted.slice(0, -1).join(", "), quoted.at(-1)].join(
    quoted.length > 2 ? ", or " : " or ",
  );
  return { error: `Invalid action. Use ${choice}` };
}
