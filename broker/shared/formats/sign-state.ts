import { X509Certificate, createPrivateKey, sign } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";

export interface SignedPart {
  /** The signature becomes `_sigs/PART.json`. */
  readonly part: string;
  readonly include: readonly string[];
  readonly exclude?: readonly string[];
  /** PEM of the private key. */
  readonly key: string;
  /** PEM of its certificate, which the signature then brings. */
  readonly certificate?: string;
}

const HASHES = { P256: "ES256", P384: "ES384" };

/**
 * A state with one more signature, made as pvr makes it.
 * @param signed keys that the globs mean, since the signer does not read globs
 */
export function signState(
  state: Readonly<Record<string, unknown>>,
  signed: readonly string[],
  { part, include, exclude = [], key: pem, certificate }: SignedPart,
): Record<string, unknown> {
  const key = createPrivateKey(pem);
  const isLong = key.asymmetricKeyDetails?.namedCurve === "secp384r1";
  const alg = key.asymmetricKeyType === "rsa" ? "RS256" : HASHES[isLong ? "P384" : "P256"];
  const header = {
    alg,
    pvs: { include, exclude },
    typ: "PVS",
    ...(certificate !== undefined && {
      x5c: [new X509Certificate(certificate).raw.toString("base64")],
    }),
  };
  const protectedText = Buffer.from(JSON.stringify(header)).toString("base64url");
  const payload = canonicalJson(Object.fromEntries(signed.map((one) => [one, state[one]])));
  const text = `${protectedText}.${Buffer.from(payload).toString("base64url")}`;
  const signature = sign(`sha${alg.slice(2)}`, Buffer.from(text), {
    key,
    ...(alg !== "RS256" && { dsaEncoding: "ieee-p1363" as const }),
  }).toString("base64url");
  const document = { "#spec": "pvs@2", protected: protectedText, signature };
  return { ...state, [`_sigs/${part}.json`]: document };
}
