import * as z from "zod";
import { firstProblem } from "../../../shared/formats/first-problem.ts";
import { EventFilter, PASSING_TYPES } from "../../../shared/protocols/input/event-filter.ts";
import { LARGEST_CODE } from "../../../shared/protocols/input/input-event.ts";
import type { Quirks } from "../../../shared/quirks/quirks.ts";
import { oncePerLink } from "../once-per-link.ts";
import { LinkRefused } from "../plugin.ts";

const MAX_RULES = 256;
const code = z.number().int().min(0);

// Unknown keys are refused: a misspelt key would make the rule allow more.
const rule = z
  .strictObject({
    type: z.enum(Object.keys(PASSING_TYPES) as (keyof typeof PASSING_TYPES)[]),
    codes: z
      .array(z.union([code, z.tuple([code, code])]))
      .min(1)
      .optional(),
    role: z.string().min(1).optional(),
  })
  .superRefine(({ type, codes = [] }, context) => {
    const largest = LARGEST_CODE.get(PASSING_TYPES[type]) ?? 0;
    for (const [index, one] of codes.entries()) {
      const [first, last] = typeof one === "number" ? [one, one] : one;
      if (first <= last && last <= largest) continue;
      const message = `is no code of ${type}, or range of them by first and last (0 to ${largest})`;
      context.addIssue({ code: "custom", path: ["codes", index], message });
    }
  });

/** The key `events` of one manifest. */
export const eventRules = z.array(rule).max(MAX_RULES);
/** The key `form` of a requirement. */
export const inputForm = z.enum(["stream", "node"]);
/** The key `grab` of an export. */
export const inputGrab = z.boolean();

const schema = z.object({
  events: z.array(eventRules).default([]),
  form: inputForm.default("stream"),
  grab: inputGrab.default(false),
});

export interface InputOptions {
  /** Form in which the consumer gets events: a socket with a stream, or a device node. */
  readonly form: z.infer<typeof inputForm>;
  /** True when the broker keeps the provider's node from all other readers. */
  readonly grab: boolean;
  readonly filter: EventFilter;
}

/**
 * The options of a link; rules for other roles are left out.
 * @throws LinkRefused naming the key that is wrong
 */
export const inputOptions = oncePerLink(({ entry, role }, quirks: Quirks): InputOptions => {
  const { success, data, error } = schema.safeParse(entry);
  if (!success) throw new LinkRefused(firstProblem(error));
  const lists = data.events.map((list) =>
    list.filter((one) => one.role === undefined || one.role === role),
  );
  const keepsGroups = !quirks.has("in-mt-broken");
  const filter = new EventFilter(quirks.has("input-no-filter") ? [] : lists, keepsGroups);
  return { form: data.form, grab: data.grab, filter };
});
