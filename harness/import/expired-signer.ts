import { X509Certificate } from "node:crypto";
import { basename } from "node:path";
import { readExport } from "../exports/read-export.ts";
import type { PvTest } from "./pv-test.ts";

/**
 * A test verifies signatures, and a tarball that it deploys is signed with a certificate that has ended: no
 * appengine runs it, whatever it does right.
 *
 * @param now milliseconds since 1970, by the clock that the appengine shares
 * @returns which, and when it ended; undefined where there is none
 */
export async function expiredSigner(
  { environment }: PvTest,
  tarballs: readonly string[],
  now: number,
  signal?: AbortSignal,
): Promise<string | undefined> {
  if (!["strict", "lenient"].includes(environment["PV_SECUREBOOT_MODE"] ?? "")) return undefined;
  for (const path of tarballs) {
    const { fragment } = await readExport(path, signal === undefined ? {} : { signal });
    for (const [key, document] of Object.entries(fragment)) {
      const ended = key.startsWith("_sigs/") ? endOf(document) : undefined;
      if (ended === undefined || ended >= now) continue;
      const day = new Date(ended).toISOString().slice(0, 10);
      return `the certificate that signed ${basename(path)} ended on ${day}`;
    }
  }
  return undefined;
}

/** When the first certificate of a signature ends; undefined for what has none that can be read. */
function endOf(document: unknown): number | undefined {
  try {
    const { protected: text } = document as { readonly protected: string };
    const header: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    const [first = ""] = (header as { readonly x5c: readonly string[] }).x5c;
    return new X509Certificate(Buffer.from(first, "base64")).validToDate.getTime();
  } catch {
    return undefined;
  }
}
