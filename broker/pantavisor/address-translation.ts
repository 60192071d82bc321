import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { showAddress } from "../shared/formats/network.ts";
import type { Pool } from "../shared/formats/network.ts";

/** Milliseconds that nft(8) has. */
const PATIENCE = 5_000;
const FORWARDING = "/proc/sys/net/ipv4/ip_forward";
const CHAIN = "ip nat postrouting";

/**
 * Let the containers of a pool reach what the appengine reaches, under its address: one rule of
 * nftables, made once, and forwarding.
 * @throws Error with nft's own words, or for an engine that does not let forwarding be switched on
 */
export function translateAddresses({ bridge, subnet }: Pool): void {
  const range = `${showAddress(subnet.base)}/${subnet.prefix}`;
  const rule = `ip saddr ${range} oifname != "${bridge}" masquerade`;
  nft(`add table ip nat\nadd chain ${CHAIN} { type nat hook postrouting priority srcnat; }\n`);
  if (!nft(`list chain ${CHAIN}\n`).includes(rule)) nft(`add rule ${CHAIN} ${rule}\n`);
  if (readFileSync(FORWARDING, "utf8").trim() === "0") {
    try {
      writeFileSync(FORWARDING, "1");
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ?? "";
      throw new Error(`${FORWARDING} cannot be written: ${why}`, { cause: error });
    }
  }
}

/** @returns what it prints */
function nft(script: string): string {
  const { status, stdout, stderr, error } = spawnSync("nft", ["-f", "-"], {
    input: script,
    encoding: "utf8",
    timeout: PATIENCE,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(stderr.trim().split("\n")[0] ?? `nft ends with ${status}`);
  return stdout;
}
