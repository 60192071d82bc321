import * as z from "zod";
import { firstProblem } from "../../../shared/formats/first-problem.ts";
import { TOKEN } from "../../../shared/protocols/http1/fields.ts";
import { pathSegments } from "../../../shared/protocols/http1/request-target.ts";
import { LinkRefused } from "../plugin.ts";

/** Policy of a link: the requests and protocols it allows; checked once, when it is added. */
export interface RestPolicy {
  /** A request must be allowed by each; none means that everything is allowed. */
  readonly ruleLists: readonly (readonly Rule[])[];
  /** Protocols that a connection may change to, in lower case. */
  readonly upgrade: readonly string[];
}

interface Rule {
  /** Methods that are allowed; undefined when all are. */
  readonly methods: ReadonlySet<string> | undefined;
  /** Decoded segments that a path must begin with. */
  readonly path: readonly string[];
}

const ruleSchema = z.strictObject({
  methods: z.array(z.string().regex(TOKEN)).min(1).optional(),
  path: z
    .string()
    .regex(/^\/[\x21-\x7e]*$/)
    .refine((path) => !/[?#]/.test(path) && pathSegments(path) !== undefined)
    .optional(),
  role: z.string().min(1).optional(),
});
/** The key `rules` of one side. */
export const restRules = z.array(ruleSchema);
const rulesSchema = z.array(restRules);

/** Protocols that carry requests again: the broker could not put an identity into those. */
const CARRIES_REQUESTS = /^(?:h2c|http|tls)(?:$|\/)/;

/** The key `upgrade`. */
export const restUpgrade = z
  .array(
    z
      .string()
      .refine(isProtocol)
      .transform((token) => token.toLowerCase()),
  )
  .superRefine((tokens, context) => {
    const refused = tokens.find((token) => CARRIES_REQUESTS.test(token));
    if (refused === undefined) return;
    const message = `${refused} carries requests that cannot be told who asks`;
    context.addIssue({ code: "custom", message });
  });

/**
 * @param role of the link: rules for other roles are left out here
 * @throws LinkRefused naming the key whose value is of the wrong shape
 */
export function restPolicy(
  role: string,
  extensions: { readonly rules?: unknown; readonly upgrade?: unknown },
): RestPolicy {
  const upgrade = checked(restUpgrade, "upgrade", extensions.upgrade ?? []);
  const ruleLists = checked(rulesSchema, "rules", extensions.rules ?? []).map((list) =>
    list
      .filter((rule) => rule.role === undefined || rule.role === role)
      .map(({ methods, path = "/" }) => ({
        methods: methods && new Set(methods),
        path: pathSegments(path) ?? [],
      })),
  );
  return { ruleLists, upgrade };
}

/**
 * Whether each list has a rule for this request. Methods are compared with case (RFC 9110 §9.1)
 * and HEAD is not GET; a path matches by whole segments.
 * @param segments as of pathSegments()
 */
export function isAllowed(
  { ruleLists }: RestPolicy,
  method: string,
  segments: readonly string[],
): boolean {
  return ruleLists.every((list) =>
    list.some(
      (rule) =>
        (rule.methods?.has(method) ?? true) &&
        rule.path.every((segment, index) => segments[index] === segment),
    ),
  );
}

/** RFC 9110 §7.8: a name, and perhaps a version. */
function isProtocol(text: string): boolean {
  const parts = text.split("/");
  return parts.length <= 2 && parts.every((part) => TOKEN.test(part));
}

function checked<T>(schema: z.ZodType<T>, key: string, value: unknown): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  throw new LinkRefused(firstProblem(error, key));
}
