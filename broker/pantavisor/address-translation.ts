import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { showAddress } from "../shared/formats/network.ts";
import type { Pool } from "../shared/formats/network.ts";

/** Milliseconds that nft(8) and iptables(8) have. */
const PATIENCE = 5_000;
const FORWARDING = "/proc/sys/net/ipv4/ip_forward";
const CHAIN = "ip nat postrouting";

export type TranslationBackend = "nftables" | "iptables";

/**
 * Let the containers of a pool reach what the appengine reaches, under its address: one rule, made once, and
 * forwarding. The rule is nftables', or iptables' where nft is missing or fails.
 *
 * @returns what has the rule
 * @throws Error with the program's own words, or for an engine that does not let forwarding be switched on
 */
export function translateAddresses(
  { bridge, subnet }: Pool,
  backends: readonly TranslationBackend[],
): TranslationBackend {
  const range = `${showAddress(subnet.base)}/${subnet.prefix}`;
  const backend = addRule(range, bridge, backends);
  if (readFileSync(FORWARDING, "utf8").trim() === "0") {
    try {
      writeFileSync(FORWARDING, "1");
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ?? "";
      throw new Error(`${FORWARDING} cannot be written: ${why}`, { cause: error });
    }
  }
  return backend;
}

const RULES = { nftables: addToNftables, iptables: addToIptables };

function addRule(
  range: string,
  bridge: string,
  backends: readonly TranslationBackend[],
): TranslationBackend {
  const faults: string[] = [];
  for (const backend of backends) {
    try {
      RULES[backend](range, bridge);
      return backend;
    } catch (error) {
      faults.push((error as Error).message);
    }
  }
  throw new Error(faults.join("; "));
}

function addToNftables(range: string, bridge: string): void {
  const rule = `ip saddr ${range} oifname != "${bridge}" masquerade`;
  const nft = (script: string) => run("nft", ["-f", "-"], script);
  nft(`add table ip nat\nadd chain ${CHAIN} { type nat hook postrouting priority srcnat; }\n`);
  if (!nft(`list chain ${CHAIN}\n`).includes(rule)) nft(`add rule ${CHAIN} ${rule}\n`);
}

function addToIptables(range: string, bridge: string): void {
  const rule = ["POSTROUTING", "-s", range, "!", "-o", bridge, "-j", "MASQUERADE"];
  const chain = run("iptables", ["-t", "nat", "-S", "POSTROUTING"]);
  if (!chain.includes(rule.join(" "))) run("iptables", ["-t", "nat", "-A", ...rule]);
}

/** @returns what it prints */
function run(program: string, words: readonly string[], input = ""): string {
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    input,
    encoding: "utf8",
    timeout: PATIENCE,
  });
  if ((error as NodeJS.ErrnoException | undefined)?.code === "ENOENT") {
    throw new Error(`${program} is not here`);
  }
  if (error !== undefined) throw error;
  if (status !== 0)
    throw new Error(stderr.trim().split("\n")[0] ?? `${program} ends with ${status}`);
  return stdout;
}
