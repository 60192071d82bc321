import type { RequestHead } from "../../../shared/protocols/http1/request-head.ts";
import { inOriginForm, pathSegments } from "../../../shared/protocols/http1/request-target.ts";
import type { Quirks } from "../../../shared/quirks/quirks.ts";
import { isAllowed } from "./rules.ts";
import type { RestPolicy } from "./rules.ts";

/** Why a well-formed request does not pass. */
export interface RestRefusal {
  readonly refusal: 400 | 403 | 405;
  readonly reason: string;
}

const TUNNEL: RestRefusal = { refusal: 405, reason: "CONNECT is not offered" };
const MALFORMED: RestRefusal = { refusal: 400, reason: "the request target is malformed" };
const DENIED: RestRefusal = {
  refusal: 403,
  reason: "this request is not allowed by the link's rules",
};

/** @returns the head with its target in origin form, or why it does not pass */
export function judgeRequest(
  asSent: RequestHead,
  policy: RestPolicy,
  quirks: Quirks,
): RequestHead | RestRefusal {
  if (asSent.method === "CONNECT") return TUNNEL;
  const head = inOriginForm(asSent);
  if (head === undefined) return MALFORMED;
  if (policy.ruleLists.length === 0 || quirks.has("rest-rules-ignored", "rest")) return head;
  const segments = pathSegments(head.target);
  if (segments === undefined) return MALFORMED;
  return isAllowed(policy, head.method, segments) ? head : DENIED;
}
