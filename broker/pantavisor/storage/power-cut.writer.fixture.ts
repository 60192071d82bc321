import { writeSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { none } from "../../shared/quirks/quirks.ts";
import { commitRevision, nextBoot, tryAtNextBoot } from "./boot-environment.ts";
import { collectGarbage } from "./object-catalogue.ts";
import { EXPORT_FILE, OBJECTS, REVISIONS, STATES } from "./power-cut.fixture.ts";
import { objectStore } from "./pvtx/object-store.ts";
import { openTransaction } from "./pvtx/transaction.ts";
import { stepInstaller } from "./step-installer.ts";
import { progressOf, writeProgress } from "./step-progress.ts";
import { openSteps } from "./steps.ts";

/**
 * The program that is killed: writes to storage in all the ways there are, in an order that
 * its seed decides, until it is ended. `node power-cut.writer.fixture.ts FOLDER SEED`
 */
const [folder = "", seedText = "0"] = process.argv.slice(2);
const storage = join(folder, "storage");
const bootFile = join(storage, "boot/uboot.txt");
const trails = join(storage, "trails");
let seed = Number(seedText);

/** A linear congruential generator is random enough to choose what comes next. */
function below(limit: number): number {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return Math.floor((seed / 2147483648) * limit);
}

const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;

const steps = openSteps(storage, () => "0");
const install = stepInstaller({
  storage,
  inUse: () => undefined,
  plan: () => undefined,
  unsigned: () => undefined,
  quirks: none,
});

async function putObjects(): Promise<void> {
  const store = objectStore(join(storage, "objects"));
  for (const [sha256, content] of OBJECTS) {
    await store.put(sha256, content.length, Readable.from([content]));
  }
}

const operations: readonly (() => void | Promise<void>)[] = [
  async () => {
    const transaction = openTransaction(join(folder, "transaction"));
    transaction.abort();
    transaction.begin("empty", join(storage, "objects"));
    await transaction.add(join(folder, EXPORT_FILE));
    transaction.deploy(join(trails, pick(REVISIONS)));
  },
  async () => {
    await putObjects();
    install(pick(["locals/a", "locals/b"]), JSON.stringify(pick(STATES)));
  },
  () => tryAtNextBoot(bootFile, pick(REVISIONS)),
  () => commitRevision(bootFile, pick(REVISIONS)),
  () => void nextBoot(bootFile),
  () => writeProgress(join(trails, pick(REVISIONS)), pick([progressOf.testing, progressOf.done])),
  () => void steps.setCommitMessage(pick(REVISIONS), "a message"),
  () =>
    void collectGarbage(
      join(storage, "objects"),
      steps.list().map(({ name }) => steps.state(name)),
    ),
];

writeSync(1, "ready\n");
for (;;) await pick(operations)();
