import { constants, verify } from "node:crypto";
import * as z from "zod";
import { parseUntrusted } from "../../../shared/formats/json-depth.ts";
import { signedKeys } from "../pvtx/signed-keys.ts";
import type { StateDocument } from "../pvtx/state-merge.ts";
import { canonicalJson } from "../../../shared/formats/canonical-json.ts";
import type { TrustStore } from "./trust.ts";
import { signerKey } from "./trust.ts";

/** Use of a state's signatures (docs/updates.md). */
export type SecurebootMode = "disabled" | "audit" | "lenient" | "strict";

/** The verdict on a state; `lines` are for the log. */
export interface StateVerdict {
  /** Undefined for a state that may run. */
  readonly refusal: string | undefined;
  readonly lines: readonly string[];
}

const INVALID = "Signature validation failed";
const UNCOVERED = "State not fully covered by signatures";
const SIGNATURES = "_sigs/";

const signatureSchema = z.object({
  "#spec": z.literal("pvs@2"),
  protected: z.string(),
  signature: z.string().regex(/^[\w-]+$/),
});
const headerSchema = z.object({
  alg: z.enum(["RS256", "ES256", "ES384", "ES512"]),
  typ: z.literal("PVS"),
  x5c: z.array(z.string()).max(8).optional(),
});

/** Verify a state's signatures, and in strict mode that they cover all of it. */
export function verifyState(
  state: StateDocument,
  mode: SecurebootMode,
  trust: TrustStore,
): StateVerdict {
  if (mode === "disabled") return { refusal: undefined, lines: [] };
  const lines: string[] = [];
  const covered = new Set<string>();
  let refusal: string | undefined;
  for (const [key, document] of Object.entries(state)) {
    if (!isSignature(document)) continue;
    try {
      for (const one of verifySignature(key, document, state, trust)) covered.add(one);
    } catch (error) {
      refusal = INVALID;
      lines.push(`signature ${key} is not valid: ${(error as Error).message}`);
    }
  }
  if (mode !== "lenient") {
    for (const key of Object.keys(state)) {
      if (key.startsWith(SIGNATURES) || covered.has(key)) continue;
      refusal ??= UNCOVERED;
      lines.push(`${key} is not covered by any signature`);
    }
  }
  return { refusal: mode === "audit" ? undefined : refusal, lines };
}

function isSignature(document: unknown): boolean {
  return (
    typeof document === "object" &&
    document !== null &&
    (document as Record<string, unknown>)["#spec"] === "pvs@2"
  );
}

/**
 * @returns the keys that it covers: those that it signs, and those that it leaves out by name
 * @throws Error saying what is wrong with it
 */
function verifySignature(
  key: string,
  document: unknown,
  state: StateDocument,
  trust: TrustStore,
): string[] {
  const { protected: protectedText, signature } = signatureSchema.parse(document);
  const owned = signedKeys(key, document);
  if (owned === undefined) throw new Error("it has no protected header");
  const header = headerSchema.parse(
    parseUntrusted(Buffer.from(protectedText, "base64url").toString("utf8")),
  );
  const signed = Object.keys(state).filter((one) => owned.signs(one));
  const covered = Object.keys(state).filter((one) => owned.owns(one));
  const payload = canonicalJson(Object.fromEntries(signed.map((one) => [one, state[one]])));
  // A key that is left out may hold anything, and counts as covered.
  const judged = trust.oemLeavesOut === true ? signed : covered;
  const publicKey = signerKey(header.x5c, judged.every(oemMaySign(trust)), trust);
  const isRsa = header.alg === "RS256";
  if (publicKey.asymmetricKeyType !== (isRsa ? "rsa" : "ec")) {
    throw new Error(`its key is not one for ${header.alg}`);
  }
  const text = Buffer.from(`${protectedText}.${Buffer.from(payload).toString("base64url")}`);
  const bytes = Buffer.from(signature, "base64url");
  const hash = `sha${header.alg.slice(2)}`;
  const isValid = isRsa
    ? verify(hash, text, { key: publicKey, padding: constants.RSA_PKCS1_PADDING }, bytes)
    : (["ieee-p1363", "der"] as const).some((dsaEncoding) =>
        verify(hash, text, { key: publicKey, dsaEncoding }, bytes),
      );
  if (!isValid) throw new Error("it does not fit what it signs");
  return covered;
}

/** An OEM covers neither the BSP nor its own configuration. */
function oemMaySign({ oemName }: TrustStore): (key: string) => boolean {
  return (key) =>
    !key.startsWith("bsp/") && (oemName === undefined || !key.startsWith(`${oemName}/`));
}
