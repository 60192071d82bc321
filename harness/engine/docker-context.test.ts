import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { namedEngine } from "./docker-context.ts";
import { parseEngineAddress } from "./engine-address.ts";

const folder = mkdtempSync(join(tmpdir(), "pvh-"));
afterAll(() => rmSync(folder, { recursive: true }));

const id = (name: string): string => createHash("sha256").update(name).digest("hex");

/** A docker configuration with these contexts; the names of some are secured by TLS. */
function configuration(
  current: string | undefined,
  contexts: Readonly<Record<string, string>>,
  secured: readonly string[] = [],
): string {
  const config = mkdtempSync(join(folder, "docker-"));
  writeFileSync(join(config, "config.json"), JSON.stringify({ currentContext: current }));
  for (const [name, host] of Object.entries(contexts)) {
    const meta = join(config, "contexts/meta", id(name));
    mkdirSync(meta, { recursive: true });
    const endpoints = { docker: { Host: host, SkipTLSVerify: name === "lax" } };
    const text = JSON.stringify({ Name: name, Metadata: {}, Endpoints: endpoints });
    writeFileSync(join(meta, "meta.json"), text);
  }
  for (const name of secured) {
    mkdirSync(join(config, "contexts/tls", id(name), "docker"), { recursive: true });
  }
  return config;
}

const two = { one: "unix:///run/one.sock", two: "tcp://192.0.2.2:2376" };

test("DOCKER_HOST wins over DOCKER_CONTEXT, and that over the current context", () => {
  const DOCKER_CONFIG = configuration("one", two);
  const named = (env: NodeJS.ProcessEnv) => namedEngine({ DOCKER_CONFIG, ...env });
  expect(named({ DOCKER_HOST: "unix:///run/x", DOCKER_CONTEXT: "two" })).toMatchObject({
    address: { host: "unix:///run/x" },
    from: "DOCKER_HOST",
  });
  expect(named({ DOCKER_CONTEXT: "two" })).toMatchObject({
    address: { host: "tcp://192.0.2.2:2376", tls: undefined },
    from: "DOCKER_CONTEXT=two",
  });
  expect(named({ DOCKER_HOST: " ", DOCKER_CONTEXT: "" })).toMatchObject({
    address: { host: "unix:///run/one.sock" },
    from: "the current docker context one",
  });
});

test("the context default, and none, leave the choice to pvh", () => {
  expect(namedEngine({ DOCKER_CONFIG: configuration("default", two) })).toBeUndefined();
  expect(namedEngine({ DOCKER_CONFIG: configuration(undefined, two) })).toBeUndefined();
  const DOCKER_CONFIG = configuration("one", two);
  expect(namedEngine({ DOCKER_CONFIG, DOCKER_CONTEXT: "default" })).toBeUndefined();
  expect(namedEngine({ DOCKER_CONFIG: join(folder, "none") })).toBeUndefined();
});

test("the configuration is that of HOME where DOCKER_CONFIG names none", () => {
  const HOME = mkdtempSync(join(folder, "home-"));
  mkdirSync(join(HOME, ".docker"));
  writeFileSync(join(HOME, ".docker/config.json"), '{"currentContext": "gone"}');
  expect(() => namedEngine({ HOME })).toThrow("the current docker context gone");
});

test.each(["", "{", "null", "[]", '{"currentContext": null}', '{"auths": {}}'])(
  "the configuration %j names no context",
  (text) => {
    const DOCKER_CONFIG = configuration(undefined, {});
    writeFileSync(join(DOCKER_CONFIG, "config.json"), text);
    expect(namedEngine({ DOCKER_CONFIG })).toBeUndefined();
  },
);

test("a context that is not there is refused by name, with those that are", () => {
  const DOCKER_CONFIG = configuration(undefined, two);
  mkdirSync(join(DOCKER_CONFIG, "contexts/meta/odd"));
  expect(() => namedEngine({ DOCKER_CONFIG, DOCKER_CONTEXT: "thre" })).toThrow(
    expect.objectContaining({
      code: "PVH_USAGE",
      message: expect.stringContaining("DOCKER_CONTEXT=thre") as string,
      hint: expect.stringContaining("default, one, two") as string,
    }),
  );
});

test("a context's certificates are used, and its wish not to verify", () => {
  const contexts = { strict: "tcp://192.0.2.3", lax: "tcp://192.0.2.3" };
  const DOCKER_CONFIG = configuration(undefined, contexts, ["strict", "lax"]);
  const tls = (name: string) => {
    const address = namedEngine({ DOCKER_CONFIG, DOCKER_CONTEXT: name })?.address;
    return address?.kind === "tcp" ? { ...address.tls, port: address.port } : undefined;
  };
  expect(tls("strict")).toEqual({
    folder: join(DOCKER_CONFIG, "contexts/tls", id("strict"), "docker"),
    verify: true,
    port: 2376,
  });
  expect(tls("lax")?.verify).toBe(false);
});

test("DOCKER_TLS_VERIFY and DOCKER_CERT_PATH secure DOCKER_HOST", () => {
  const env = { DOCKER_HOST: "tcp://h", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/certs" };
  expect(namedEngine(env)?.address).toMatchObject({
    host: "tcp://h:2376",
    tls: { folder: "/certs", verify: true },
  });
});

describe("an address is understood", () => {
  test.each([
    ["/run/x.sock", "unix:///run/x.sock"],
    ["unix:/run/x.sock", "unix:///run/x.sock"],
    ["unix:///run/x.sock", "unix:///run/x.sock"],
    ["  unix:///run/x.sock \n", "unix:///run/x.sock"],
    ["unix://", "unix:///var/run/docker.sock"],
    ["tcp://h", "tcp://h:2375"],
    ["tcp://h:1234/", "tcp://h:1234"],
    ["TCP://h:1234", "tcp://h:1234"],
    ["h:1234", "tcp://h:1234"],
    ["tcp://[::1]:1234", "tcp://[::1]:1234"],
    ["ssh://build-host", "ssh://build-host"],
    ["SSH://me@10.0.0.7:2222/", "ssh://me@10.0.0.7:2222"],
    ["ssh://me@[::1]/run/user/1000/docker.sock", "ssh://me@[::1]/run/user/1000/docker.sock"],
  ])("%j", (text, host) => expect(parseEngineAddress(text, "X", undefined).host).toBe(host));
});

describe("an address is refused by name, and nobody is asked", () => {
  test.each([
    "tcp://",
    "tcp:///run/x.sock",
    "tcp://h:0",
    "tcp://h:99999",
    "tcp://h:1/prefix",
    "tcp://user@h:1",
    "npipe:////./pipe/docker_engine",
    "fd://",
    "http://h:2375",
    "https://h:2376",
    "ssh://",
    "ssh://-oProxyCommand=touch",
    "ssh://-l@h",
    "ssh://me:secret@h",
    "ssh://h:0",
    "ssh://h:70000",
    "ssh://h h",
    "ssh://h/run/a:b.sock",
    "unix://run/x.sock",
    "run/x.sock",
    "./x.sock",
    "docker",
    "one two",
    "unix:///run/a b.sock",
    "unix:///run/a%20b.sock#",
    `unix:///${"x".repeat(120)}`,
    "\u0000",
  ])("%j", (text) => {
    expect(() => parseEngineAddress(text, "DOCKER_HOST", undefined)).toThrow(
      expect.objectContaining({
        code: "PVH_USAGE",
        message: expect.stringContaining("DOCKER_HOST") as string,
      }),
    );
  });
});
