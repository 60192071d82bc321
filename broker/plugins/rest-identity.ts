import { listOf } from "../protocols/http1/fields.ts";
import type { Field } from "../protocols/http1/fields.ts";
import type { Framing } from "../protocols/http1/framing.ts";
import type { RequestHead } from "../protocols/http1/request-head.ts";
import type { Quirks } from "../quirks/quirks.ts";

/** Who asks: both from the graph, both safe in a header. */
export interface RestIdentity {
  readonly client: string;
  readonly role: string;
}

/** Between two hops only (RFC 9110 §7.6.1); `Upgrade` until an export may allow a protocol. */
const HOP_BY_HOP = new Set(["connection", "proxy-connection", "keep-alive", "upgrade"]);
/** Written anew from what the parser understood, never copied. */
const FRAMING = new Set(["content-length", "transfer-encoding"]);

/**
 * The head that the provider gets: who asks is said by us alone, and framing is canonical.
 * @param index of the request on its connection, from 0
 */
export function headForProvider(
  head: RequestHead,
  framing: Framing,
  identity: RestIdentity,
  index: number,
  quirks: Quirks,
): RequestHead {
  const fields = [
    ...passableFields(head.fields, head.fields, quirks),
    ...persistence(head.fields),
    ...framingFields(framing),
    ...identityFields(identity, index, quirks),
  ];
  return { ...head, fields };
}

/**
 * The fields of a head or trailer section that may pass.
 * @param head fields of the request's head, which name the hop-by-hop fields
 */
export function passableFields(
  fields: readonly Field[],
  head: readonly Field[],
  quirks: Quirks,
): Field[] {
  // What Connection names ends here; a later hop never sees the list, so it cannot be made to
  // drop a field of ours. Host stays whatever the list says.
  const nominated = new Set(listOf(head, "connection"));
  nominated.delete("host");
  const spoofable = quirks.has("rest-spoofable", "rest");
  return fields.filter(({ name }) => {
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || FRAMING.has(lower) || nominated.has(lower)) return false;
    return spoofable || !isIdentityField(lower);
  });
}

/** CGI and WSGI fold every other separator into one, so `X_PV.Role` is `X-PV-Role` there. */
function isIdentityField(lowerCaseName: string): boolean {
  return lowerCaseName.replace(/[^a-z0-9]/g, "-").startsWith("x-pv-");
}

function identityFields(identity: RestIdentity, index: number, quirks: Quirks): Field[] {
  if (quirks.has("rest-no-identity", "rest")) return [];
  if (index > 0 && quirks.has("rest-first-only", "rest")) return [];
  return [
    { name: "X-PV-Client", value: identity.client },
    { name: "X-PV-Role", value: identity.role },
  ];
}

/** Answers pass as they are, so the consumer's wish to keep the connection must pass too. */
function persistence(fields: readonly Field[]): Field[] {
  const options = listOf(fields, "connection");
  const option = ["close", "keep-alive"].find((name) => options.includes(name));
  return option === undefined ? [] : [{ name: "Connection", value: option }];
}

function framingFields(framing: Framing): Field[] {
  switch (framing.kind) {
    case "length":
      return [{ name: "Content-Length", value: String(framing.length) }];
    case "chunked":
      return [{ name: "Transfer-Encoding", value: "chunked" }];
    default:
      return [];
  }
}
