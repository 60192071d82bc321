import { field, listOf } from "../../../shared/protocols/http1/fields.ts";
import type { Field } from "../../../shared/protocols/http1/fields.ts";
import type { Framing } from "../../../shared/protocols/http1/framing.ts";
import type { RequestHead } from "../../../shared/protocols/http1/request-head.ts";
import type { Quirks } from "../../../shared/quirks/quirks.ts";

/** Identity of the consumer: both values come from the graph and are safe in a header. */
export interface RestIdentity {
  readonly client: string;
  readonly role: string;
}

/** Facts that decide what the provider is told besides the consumer's own fields. */
export interface Rewriting {
  readonly framing: Framing;
  /** Protocols of the consumer's Upgrade field that the link allows. */
  readonly upgrade: readonly string[];
  readonly identity: RestIdentity;
  /** True for the connection's first request. */
  readonly isFirst: boolean;
  readonly quirks: Quirks;
}

/**
 * The fields that the provider gets: who asks is said by us alone, and framing is canonical.
 */
export function fieldsForProvider(head: RequestHead, rewriting: Rewriting): readonly Field[] {
  const { framing, upgrade, identity, isFirst, quirks } = rewriting;
  const fields = passableFields(head.fields, head.fields, quirks);
  addConnection(fields, head.fields, upgrade);
  if (framing.kind === "length") fields.push(field("Content-Length", String(framing.length)));
  if (framing.kind === "chunked") fields.push(CHUNKED);
  const claimed = head.fields.find(({ lower }) => lower === "x-pv-role")?.value;
  const role = quirks.has("role-from-consumer", "rest") ? claimed : undefined;
  addIdentity(fields, { ...identity, ...(role !== undefined && { role }) }, isFirst, quirks);
  return fields;
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
  // Fields that Connection names end here. A later hop never sees that list, so a consumer cannot
  // make it drop a field of ours. Host stays even when the list names it.
  const nominated = listOf(head, "connection");
  const spoofable = quirks.has("rest-spoofable", "rest");
  return fields.filter(({ lower }) => {
    if (isHopByHop(lower) || (nominated.includes(lower) && lower !== "host")) return false;
    return spoofable || !isIdentityField(lower);
  });
}

/**
 * The protocols that a request offers to change to and the link allows. Without `upgrade` in
 * Connection and in HTTP/1.0, Upgrade is ignored (RFC 9110 §7.8). So it is beside a body that
 * waits for 100: behind 101 instead, the two sides could differ about whether it still comes.
 */
export function offeredUpgrade(
  { version, fields }: RequestHead,
  framing: Framing,
  allowed: readonly string[],
): readonly string[] {
  if (allowed.length === 0 || version === "1.0") return NO_TOKENS;
  if (hasBody(framing) && expectsContinue(fields)) return NO_TOKENS;
  if (!listOf(fields, "connection").includes("upgrade")) return NO_TOKENS;
  return listOf(fields, "upgrade").filter((token) => allowed.includes(token));
}

function hasBody(framing: Framing): boolean {
  return framing.kind !== "none" && !(framing.kind === "length" && framing.length === 0);
}

/**
 * Whether the body waits for an interim response (RFC 9110 §10.1.1). Behind a final response
 * instead it may or may not come, and the two sides of a connection may differ about that.
 */
export function expectsContinue(fields: readonly Field[]): boolean {
  return fields.some(({ lower }) => lower === "expect");
}

const NO_TOKENS: readonly string[] = [];
const CHUNKED = field("Transfer-Encoding", "chunked");

/** Between two hops only (RFC 9110 §7.6.1), or written anew from what the parser understood. */
function isHopByHop(lower: string): boolean {
  switch (lower) {
    case "connection":
    case "proxy-connection":
    case "keep-alive":
    case "te":
    case "upgrade":
    case "content-length":
    case "transfer-encoding":
      return true;
    default:
      return false;
  }
}

/** CGI and WSGI fold every other separator into one, so `X_PV.Role` is `X-PV-Role` there. */
function isIdentityField(lower: string): boolean {
  return lower.startsWith("x") && lower.replace(/[^a-z0-9]/g, "-").startsWith("x-pv-");
}

/** Responses pass as they are, so the consumer's wish to keep the connection must pass too. */
function addConnection(
  fields: Field[],
  original: readonly Field[],
  upgrade: readonly string[],
): void {
  const wishes = listOf(original, "connection");
  const options = PERSISTENCE.filter((option) => wishes.includes(option)).slice(0, 1);
  if (upgrade.length > 0) {
    fields.push(field("Upgrade", upgrade.join(", ")));
    options.push("upgrade");
  }
  if (options.length > 0) fields.push(field("Connection", options.join(", ")));
}

const PERSISTENCE = ["close", "keep-alive"];

function addIdentity(
  fields: Field[],
  { client, role }: RestIdentity,
  isFirst: boolean,
  quirks: Quirks,
): void {
  if (quirks.has("rest-no-identity", "rest")) return;
  if (!isFirst && quirks.has("rest-first-only", "rest")) return;
  fields.push(field("X-PV-Client", client), field("X-PV-Role", role));
}
