import { TOKEN, parseField } from "../../shared/protocols/http1/fields.ts";
import type { Field } from "../../shared/protocols/http1/fields.ts";
import { MAX_FIELDS, MAX_HEAD_BYTES } from "../../shared/protocols/http1/limits.ts";
import { HttpSyntaxError } from "../../shared/protocols/http1/syntax-error.ts";
import { GuestErrno } from "../guest-errno.ts";

/** Fields that say where a message ends and what becomes of its connection: ours alone. */
const RESERVED: ReadonlySet<string> = new Set([
  ...["connection", "content-length", "expect", "host", "keep-alive", "proxy-connection"],
  ...["te", "trailer", "transfer-encoding", "upgrade"],
]);
const TARGET = /^\/[\x21-\x7e]*$/;

/** @throws GuestErrno EINVAL unless it is a method; CONNECT has no response as others have */
export function methodOf(text: Buffer): string {
  const method = text.toString("latin1");
  if (!TOKEN.test(method) || method === "CONNECT") throw new GuestErrno("EINVAL");
  return method;
}

/** @throws GuestErrno EINVAL unless it is a path with or without a query, EMSGSIZE */
export function targetOf(text: Buffer): string {
  if (text.length > MAX_HEAD_BYTES) throw new GuestErrno("EMSGSIZE");
  const target = text.toString("latin1");
  if (!TARGET.test(target)) throw new GuestErrno("EINVAL");
  return target;
}

/**
 * Fields of a head from the guest's lines, `name: value`, each ended by a line feed.
 * @throws GuestErrno EINVAL for what is no field or is reserved, EMSGSIZE
 */
export function fieldsOf(lines: Buffer): Field[] {
  if (lines.length > MAX_HEAD_BYTES) throw new GuestErrno("EMSGSIZE");
  const texts = lines.toString("latin1").split("\n");
  if (texts.at(-1) === "") texts.pop();
  if (texts.length > MAX_FIELDS) throw new GuestErrno("EMSGSIZE");
  return texts.map(fieldOf);
}

/** Fields as the guest reads them: names in lower case. */
export function linesOf(fields: readonly Field[]): string {
  return fields.map(({ lower, value }) => `${lower}: ${value}\n`).join("");
}

function fieldOf(line: string): Field {
  try {
    const field = parseField(line);
    if (!RESERVED.has(field.lower)) return field;
  } catch (error) {
    if (!(error instanceof HttpSyntaxError)) throw error;
  }
  throw new GuestErrno("EINVAL");
}
