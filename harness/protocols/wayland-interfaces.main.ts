import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FOLDER, PACKAGES, generate } from "./wayland-interfaces.ts";

/**
 * `node harness/protocols/wayland-interfaces.main.ts`: write interfaces.json and NOTICE anew from
 * the protocol files of this machine's Debian packages.
 */
const missing = Object.entries(PACKAGES).filter(([, file]) => !existsSync(file));
if (missing.length > 0) {
  const names = missing.map(([name]) => name).join(" ");
  process.stderr.write(`apt-get install -y --no-install-recommends ${names}\n`);
  process.exit(3);
}
const { json, notice } = generate();
writeFileSync(join(FOLDER, "interfaces.json"), json);
writeFileSync(join(FOLDER, "NOTICE"), notice);
