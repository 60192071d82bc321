import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { none } from "../shared/quirks/quirks.ts";
import { commitRevision, ensureBootFile, tryAtNextBoot } from "./storage/boot-environment.ts";
import { controlView } from "./control-view.ts";
import { openMetaStore } from "./device-meta.ts";
import { makeRunner } from "./revision-runner.fixture.ts";
import { openSteps } from "./storage/steps.ts";
import { noHostedBus } from "./systembus/hosted-bus.ts";

const STATE = '{"#spec":"pantavisor-service-system@1"}';

let storage: string;

beforeEach(() => {
  storage = mkdtempSync(join(tmpdir(), "pvh-view-"));
  mkdirSync(join(storage, "boot"));
  for (const revision of ["0", "locals/b"]) {
    mkdirSync(join(storage, "trails", revision, ".pvr"), { recursive: true });
    writeFileSync(join(storage, "trails", revision, ".pvr/json"), STATE);
  }
  ensureBootFile(bootFile());
});
afterEach(() => rmSync(storage, { recursive: true }));

const bootFile = () => join(storage, "boot/uboot.txt");

/** Revision locals/b runs. */
function view(next?: string) {
  const { runner, config, running, log } = makeRunner({ storage, revision: "locals/b" });
  return controlView({
    config,
    quirks: none,
    running,
    runner,
    updater: {
      next,
      isBusy: () => false,
      isDeparting: () => false,
      run: () => Promise.resolve(undefined),
    },
    daemons: [],
    hostedBus: noHostedBus,
    drivers: { prepare: () => undefined, list: () => [], set: () => undefined },
    deviceMeta: openMetaStore(join(storage, "meta")),
    onRefused: () => undefined,
    buildInfo: "",
    log,
  });
}

it("the factory revision is not replaced while it is the one to roll back to", () => {
  tryAtNextBoot(bootFile(), "locals/b");
  expect(view().makeFactory("locals/b")).toEqual({
    status: 409,
    reason: "Step 0 is the one to roll back to",
  });
});

it("the factory revision is replaced when another is committed", () => {
  commitRevision(bootFile(), "locals/b");
  expect(view().makeFactory("locals/b")).toBeUndefined();
  expect(openSteps(storage, () => "0").progress("0")).toMatchObject({ status: "DONE" });
});

it("a step that is about to run is not replaced", () => {
  expect(view("locals/c").steps.install("locals/c", STATE)).toEqual({
    status: 409,
    reason: "Step locals/c is about to run",
  });
});
