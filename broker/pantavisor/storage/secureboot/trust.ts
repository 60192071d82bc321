import { X509Certificate, createPublicKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Files of the certificate authorities that an appengine trusts, below /etc/pantavisor/pvs. */
export interface TrustStore {
  /** Authorities of all parts of a state. */
  readonly certificates: string;
  /** Authorities of the parts that an OEM may sign itself. */
  readonly oemCertificates: string;
  /** Key of signatures that bring no certificate. */
  readonly publicKey: string;
  /** Subject of an OEM's certificates. */
  readonly oemName: string | undefined;
  /** An OEM's signature may cover any key that it leaves out. */
  readonly oemLeavesOut?: boolean;
}

/** @param get value of a setting, "" for one that is not set */
export function trustStoreOf(get: (key: string) => string): TrustStore {
  const folder = join(get("PV_SYSTEM_ETCPANTAVISORDIR"), "pvs");
  const file = (key: string): string => join(folder, "trust", `${get(key)}.crt`);
  const oemName = get("PV_OEM_NAME");
  return {
    certificates: file("PV_SECUREBOOT_TRUSTSTORE"),
    oemCertificates: file("PV_SECUREBOOT_OEM_TRUSTSTORE"),
    publicKey: join(folder, "trust/pub.pem"),
    oemName: oemName === "" ? undefined : oemName,
  };
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const LONGEST_CHAIN = 8;

/**
 * The key of a signature: that of its first certificate, whose chain has to end at an authority,
 * or without certificates the key on the disk.
 *
 * @param chain    certificates of the signature, base64 of DER, the signer's first
 * @param oemMaySign whether the signature has no part that only the default authorities may cover
 * @throws Error saying why the key is not trusted
 */
export function signerKey(
  chain: readonly string[] | undefined,
  oemMaySign: boolean,
  trust: TrustStore,
): KeyObject {
  if (chain === undefined) return createPublicKey(readFileSync(trust.publicKey));
  const [signer, ...others] = chain.map((text) => new X509Certificate(Buffer.from(text, "base64")));
  if (signer === undefined) throw new Error("it has an empty list of certificates");
  const isOem = oemMaySign && trust.oemName !== undefined && commonName(signer) === trust.oemName;
  const file = isOem ? trust.oemCertificates : trust.certificates;
  const anchors = (readFileSync(file, "utf8").match(PEM) ?? []).map(
    (text) => new X509Certificate(text),
  );
  let current = signer;
  for (let length = 0; length < LONGEST_CHAIN; length++) {
    checkDates(current);
    const isAnchor = anchors.some(
      ({ fingerprint256 }) => fingerprint256 === current.fingerprint256,
    );
    const issuer = anchors.find((one) => issued(one, current));
    if (isAnchor || issuer !== undefined) {
      if (issuer !== undefined) checkDates(issuer);
      return signer.publicKey;
    }
    const next = others.find((one) => one !== current && issued(one, current));
    if (next === undefined) throw new Error(`${nameOf(current)} is issued by nobody in ${file}`);
    current = next;
  }
  throw new Error("its chain of certificates is too long");
}

function issued(issuer: X509Certificate, subject: X509Certificate): boolean {
  return issuer.ca && subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
}

function checkDates(certificate: X509Certificate): void {
  const now = Date.now();
  if (Date.parse(certificate.validFrom) > now || Date.parse(certificate.validTo) < now) {
    throw new Error(`${nameOf(certificate)} is not valid now`);
  }
}

function commonName({ subject }: X509Certificate): string | undefined {
  return /^CN=(.*)$/m.exec(subject)?.[1];
}

function nameOf(certificate: X509Certificate): string {
  return `certificate '${commonName(certificate) ?? certificate.serialNumber}'`;
}
