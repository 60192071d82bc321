import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { copyConfig, removeConfig } from "./config-overlay.ts";

let folder: string;
const at = (...path: string[]) => join(folder, ...path);
const copy = () => copyConfig(at("trail"), at("configs"), "c");
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-config-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function configured(path: string, content = path): void {
  const target = at("trail/_config", path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content, { mode: 0o600 });
}

describe("the files that a state lays over a container", () => {
  it("are copied at their paths, hidden ones too: 644, folders 755", () => {
    configured("c/etc/app/x.conf");
    configured("c/.hidden");
    configured("other/etc/x");
    expect(copy()).toBe(at("configs/c"));
    expect(readFileSync(at("configs/c/etc/app/x.conf"), "utf8")).toBe("c/etc/app/x.conf");
    expect(readdirSync(at("configs/c"))).toEqual([".hidden", "etc"]);
    expect(readdirSync(at("configs"))).toEqual(["c"]);
    const modes = ["", "etc/app", "etc/app/x.conf"].map(
      (path) => statSync(at("configs/c", path)).mode & 0o7777,
    );
    expect(modes).toEqual([0o755, 0o755, 0o644]);
  });

  it("are none for a container that nothing is laid over, whatever lay over it before", () => {
    configured("c/etc/x");
    copy();
    rmSync(at("trail/_config/c"), { recursive: true });
    expect(copy()).toBeUndefined();
    expect(readdirSync(at("configs"))).toEqual([]);
    rmSync(at("trail"), { recursive: true });
    expect(copy()).toBeUndefined();
  });

  it("are those of the revision alone", () => {
    configured("c/etc/old");
    copy();
    rmSync(at("trail/_config/c/etc/old"));
    configured("c/etc/new");
    copy();
    expect(readdirSync(at("configs/c/etc"))).toEqual(["new"]);
    removeConfig(at("configs"), "c");
    expect(readdirSync(at("configs"))).toEqual([]);
  });

  it("are files and folders: a link is refused, wherever it is", () => {
    mkdirSync(at("trail"), { recursive: true });
    mkdirSync(at("outside"));
    symlinkSync(at("outside"), at("trail/_config"));
    mkdirSync(at("outside/c"));
    expect(copy).toThrow("_config is not a folder");
    rmSync(at("trail/_config"));
    mkdirSync(at("trail/_config"));
    symlinkSync(at("outside"), at("trail/_config/c"));
    expect(copy).toThrow("c is not a folder");
    rmSync(at("trail/_config/c"));
    configured("c/etc/x");
    symlinkSync(at("outside"), at("trail/_config/c/etc/link"));
    expect(copy).toThrow("link is neither a file nor a folder");
  });

  it("are not written through a link that lies where the copy goes", () => {
    configured("c/etc/x");
    mkdirSync(at("outside"));
    mkdirSync(at("configs"));
    symlinkSync(at("outside"), at("configs/c"));
    copy();
    expect(readdirSync(at("outside"))).toEqual([]);
    expect(statSync(at("configs/c/etc/x")).isFile()).toBe(true);
  });

  it("are bounded in bytes and number", () => {
    configured("c/big");
    truncateSync(at("trail/_config/c/big"), 64 * 1024 * 1024 + 1);
    expect(copy).toThrow("its _config is larger than 67108864 bytes");
    rmSync(at("trail/_config/c/big"));
    for (let number = 0; number <= 10_000; number += 1)
      writeFileSync(at(`trail/_config/c/${number}`), "");
    expect(copy).toThrow("its _config has more than 10000 files");
  });
});
