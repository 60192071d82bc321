import { createPublicKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PROPERTY_RUNS } from "../../../shared/formats/property-runs.fixture.ts";
import { canonicalJson } from "../../../shared/formats/canonical-json.ts";
import { signState } from "../../../shared/formats/sign-state.ts";
import type { SignedPart } from "../../../shared/formats/sign-state.ts";
import type { SecurebootMode } from "./verify-state.ts";
import { verifyState } from "./verify-state.ts";

const KEYS = join(import.meta.dirname, "../../../../fixtures/secureboot");
const INVALID = "Signature validation failed";
const UNCOVERED = "State not fully covered by signatures";
const STATE = {
  "#spec": "pantavisor-service-system@1",
  "app/run.json": { name: "app", backoff_factor: 1.5 },
  "app/src.json": { args: {} },
  "app/root.squashfs": "a".repeat(64),
  "_config/app/etc/x.json": { b: 1, a: 2 },
  "oem/default.config": "b".repeat(64),
  "bsp/run.json": {},
};
const APP = {
  part: "app",
  include: ["#spec", "app/**", "_config/app/**"],
  exclude: ["app/src.json"],
};
const APP_KEYS = ["_config/app/etc/x.json", "app/root.squashfs", "app/run.json", "#spec"];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-secureboot-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function verify(
  state: Record<string, unknown>,
  mode: SecurebootMode = "lenient",
  oemName?: string,
) {
  return verifyState(state, mode, {
    certificates: join(KEYS, "authority.crt"),
    oemCertificates: join(KEYS, "oem-authority.crt"),
    publicKey: join(folder, "pub.pem"),
    oemName,
  });
}

const refusalOf = (...args: Parameters<typeof verify>) => verify(...args).refusal;
/** Key and certificate of fixtures/secureboot. */
function by(signer: string): Pick<SignedPart, "key" | "certificate"> {
  const read = (type: string) => readFileSync(join(KEYS, `${signer}.${type}`), "utf8");
  return { key: read("key"), certificate: read("crt") };
}

const appBy = (signer: string) => signState(STATE, APP_KEYS, { ...APP, ...by(signer) });

describe("a signature", () => {
  it.each(["signer", "signer-rsa"])("of %s is good, whatever is excluded changes", (signer) => {
    const signed = appBy(signer);
    expect(refusalOf(signed)).toBeUndefined();
    expect(refusalOf({ ...signed, "app/src.json": { args: { other: true } } })).toBeUndefined();
  });

  it.each<readonly [string, Record<string, unknown>]>([
    ["a document", { "app/run.json": { name: "app", backoff_factor: 1.25 } }],
    ["an object", { "app/root.squashfs": "c".repeat(64) }],
    ["a new file of the part", { "app/more.json": {} }],
    ["the configuration", { "_config/app/etc/x.json": { b: 1, a: 3 } }],
  ])("does not fit when %s was changed", (_, change) => {
    const { refusal, lines } = verify({ ...appBy("signer"), ...change });
    expect(refusal).toBe(INVALID);
    expect(lines).toEqual(["signature _sigs/app.json is not valid: it does not fit what it signs"]);
  });

  it("fits what it was made for, and no other value of a signed key", () => {
    fc.assert(
      fc.property(fc.json(), fc.json(), (made, other) => {
        const key = "app/run.json";
        const state = { ...STATE, [key]: JSON.parse(made) as unknown };
        const signed = signState(state, APP_KEYS, { ...APP, ...by("signer") });
        expect(refusalOf(signed)).toBeUndefined();
        const changed = { ...signed, [key]: JSON.parse(other) as unknown };
        const isSame = canonicalJson(changed[key]) === canonicalJson(state[key]);
        expect(refusalOf(changed)).toBe(isSame ? undefined : INVALID);
      }),
      { numRuns: Math.ceil(PROPERTY_RUNS / 20) },
    );
  });

  it("does not depend on the order of keys", () => {
    const turned = Object.fromEntries(Object.entries(appBy("signer")).toReversed());
    expect(refusalOf({ ...turned, "_config/app/etc/x.json": { a: 2, b: 1 } })).toBeUndefined();
  });

  it.each([
    ["foreign", "is issued by nobody in"],
    ["oem", "is issued by nobody in"],
    ["expired", "is not valid now"],
  ])("of %s is refused", (signer, why) => {
    const { refusal, lines } = verify(appBy(signer));
    expect(refusal).toBe(INVALID);
    expect(lines.join()).toContain(why);
  });

  it("without certificate is verified with the key on the disk", () => {
    const signed = signState(STATE, APP_KEYS, { ...APP, key: by("signer").key });
    expect(refusalOf(signed)).toBe(INVALID);
    const key = createPublicKey(readFileSync(join(KEYS, "signer.crt")));
    writeFileSync(join(folder, "pub.pem"), key.export({ type: "spki", format: "pem" }));
    expect(refusalOf(signed)).toBeUndefined();
  });

  it.each<readonly [string, Record<string, unknown>]>([
    ["no header", { "#spec": "pvs@2", signature: "AA" }],
    ["a header that is none", { "#spec": "pvs@2", protected: "e30", signature: "AA" }],
    ["alg none", { "#spec": "pvs@2", protected: header({ alg: "none" }), signature: "AA" }],
    ["another type", { "#spec": "pvs@2", protected: header({ typ: "JWT" }), signature: "AA" }],
    [
      "no certificate in its list",
      { "#spec": "pvs@2", protected: header({ x5c: [] }), signature: "AA" },
    ],
    ["rubbish", { "#spec": "pvs@2", protected: header({ x5c: ["AAAA"] }), signature: "AA" }],
  ])("with %s is refused", (_, document) => {
    expect(refusalOf({ ...STATE, "_sigs/x.json": document })).toBe(INVALID);
  });
});

function header(change: object): string {
  const whole = { alg: "ES256", typ: "PVS", pvs: { include: ["app/**"], exclude: [] }, ...change };
  return Buffer.from(JSON.stringify(whole)).toString("base64url");
}

describe("an OEM", () => {
  const part = { part: "o", include: ["app/**"], ...by("oem") };
  const keys = ["app/root.squashfs", "app/run.json", "app/src.json"];

  it("signs applications under its own authority", () => {
    const signed = signState(STATE, keys, part);
    expect(refusalOf(signed, "lenient", "pvh-oem")).toBeUndefined();
    expect(refusalOf(signed, "lenient", "other")).toBe(INVALID);
  });

  it.each([
    ["bsp/run.json", "bsp/**", "pvh-oem"],
    ["pvh-oem/a.json", "pvh-oem/**", "pvh-oem"],
  ])("does not sign %s", (key, glob, name) => {
    const state = { ...STATE, "pvh-oem/a.json": {} };
    const signed = signState(state, [key], { ...part, include: [glob] });
    expect(refusalOf(signed, "lenient", name)).toBe(INVALID);
  });

  it.each(["bsp/**", "pvh-oem/**"])("does not cover %s by leaving it out", (glob) => {
    const state = { ...STATE, "pvh-oem/a.json": {} };
    const signed = signState(state, keys, { ...part, exclude: [glob] });
    expect(refusalOf(signed, "lenient", "pvh-oem")).toBe(INVALID);
  });
});

describe("what is not signed", () => {
  const rest = { part: "rest", include: ["oem/**", "bsp/**"], ...by("signer") };
  const whole = () => signState(appBy("signer"), ["bsp/run.json", "oem/default.config"], rest);

  it.each<readonly [SecurebootMode, string | undefined]>([
    ["disabled", undefined],
    ["lenient", undefined],
    ["audit", undefined],
    ["strict", UNCOVERED],
  ])("is judged by mode %s", (mode, refusal) => {
    expect(refusalOf(appBy("signer"), mode)).toBe(refusal);
    expect(refusalOf(whole(), mode)).toBeUndefined();
  });

  it("is named for the log", () => {
    const line = "bsp/run.json is not covered by any signature";
    expect(verify(appBy("signer"), "strict").lines).toContain(line);
    expect(verify(appBy("signer"), "audit").lines).toContain(line);
  });

  it("is not covered by a signature that does not fit", () => {
    expect(refusalOf({ ...whole(), "bsp/run.json": { other: 1 } }, "strict")).toBe(INVALID);
    expect(refusalOf({ ...whole(), "bsp/run.json": { other: 1 } }, "audit")).toBeUndefined();
  });
});
