import { isAuthority } from "./authority.ts";
import { field } from "./fields.ts";
import type { RequestHead } from "./request-head.ts";

const ABSOLUTE = /^https?:\/\/([^/?#]*)([^#]*)$/i;

/**
 * The same request in the form that a server expects (RFC 9112 §3.2): a path with its query,
 * or `*` for OPTIONS. The host of an absolute target wins over the Host field.
 * @returns undefined for a target that no form allows; CONNECT is not for this function
 */
export function inOriginForm(head: RequestHead): RequestHead | undefined {
  const { method, target, fields } = head;
  if (target.startsWith("/")) return target.includes("#") ? undefined : head;
  if (target === "*") return method === "OPTIONS" ? head : undefined;
  const [, authority = "", rest = ""] = ABSOLUTE.exec(target) ?? [];
  // Unlike a Host field, a target must name a host (RFC 9110 §4.2.1).
  if (/^(?::|$)/.test(authority) || !isAuthority(authority)) return undefined;
  const others = fields.filter(({ lower }) => lower !== "host");
  return { ...head, target: pathOf(method, rest), fields: [field("Host", authority), ...others] };
}

function pathOf(method: string, rest: string): string {
  if (rest === "" && method === "OPTIONS") return "*";
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/**
 * The segments of a target's path, percent-decoded; `/` and `*` have none, and a slash at the
 * end makes none.
 *
 * @param target in origin form
 * @returns undefined when servers could disagree about which segments these are: dot segments
 *          (with parameters, `..;a`, too) and empty ones, an encoded slash, backslash or NUL, a
 *          plain backslash, an incomplete or malformed escape, an overlong UTF-8 sequence,
 *          which careless decoders take for a dot or slash (RFC 3629 §10)
 */
export function pathSegments(target: string): readonly string[] | undefined {
  if (target === "*") return [];
  const question = target.indexOf("?");
  const path = question === -1 ? target : target.slice(0, question);
  if (path.includes("\\")) return undefined;
  const raw = path.split("/").slice(1);
  if (raw.at(-1) === "") raw.pop();
  const segments: string[] = [];
  for (const text of raw) {
    const segment = decoded(text);
    if (segment === undefined || isAmbiguous(segment)) return undefined;
    segments.push(segment);
  }
  return segments;
}

/** One character per byte: paths are compared, not read. */
function decoded(text: string): string | undefined {
  if (!text.includes("%")) return text;
  if (/%(?![0-9A-Fa-f]{2})|%(?:2f|5c|00)/i.test(text)) return undefined;
  if (/%(?:c[01]|e0%[89][0-9a-f]|f0%8[0-9a-f])/i.test(text)) return undefined;
  return text.replace(/%(..)/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

function isAmbiguous(segment: string): boolean {
  const name = segment.split(";", 1)[0];
  return name === "" || name === "." || name === "..";
}
