import { resolve } from "node:path";
import { parseQuirks } from "../quirks/quirks.ts";
import { newQueue, openQueue } from "./pvtx/queue.ts";
import type { StateDocument } from "./pvtx/state-merge.ts";
import { stepClient } from "./pvtx/step-client.ts";
import { openTransaction, transactionFolder } from "./pvtx/transaction.ts";

const USAGE = `usage: pvtx begin <current|empty|REVISION-FOLDER> [OBJECT-FOLDER]
       pvtx add <FILE|->
       pvtx remove <PART>
       pvtx show
       pvtx commit [locals/NAME]     a transaction without OBJECT-FOLDER, to pv-ctrl
       pvtx deploy <FOLDER>          one with OBJECT-FOLDER, to the disk
       pvtx abort
       pvtx queue new <QUEUE-FOLDER> <OBJECT-FOLDER>
       pvtx queue remove <PART>
       pvtx queue unpack <FILE|->
       pvtx queue process [BASE [QUEUE-FOLDER [OBJECT-FOLDER]]]
`;

type Verb = (...args: readonly string[]) => void | Promise<void>;

const folder = transactionFolder(process.env);
const transaction = openTransaction(folder, parseQuirks(process.env["PVH_QUIRKS"]));
const client = () => stepClient(process.env["PVCONTROL_SOCKET"]);

/** By verb, with the least and the most arguments. */
const VERBS: Readonly<Record<string, readonly [least: number, most: number, run: Verb]>> = {
  begin: [1, 2, async (base = "", objects) => begin(base, objects)],
  add: [1, 1, (source = "") => transaction.add(source)],
  remove: [1, 1, (part = "") => transaction.remove(part)],
  show: [0, 0, () => print(JSON.stringify(transaction.show(), null, 2))],
  commit: [0, 1, async (name) => print(await transaction.commit(client(), name))],
  deploy: [1, 1, (target = "") => transaction.deploy(resolve(target))],
  abort: [0, 0, () => transaction.abort()],
  "queue new": [
    2,
    2,
    (queue = "", objects = "") => newQueue(folder, resolve(queue), resolve(objects)),
  ],
  "queue remove": [1, 1, (part = "") => openQueue(folder).remove(part)],
  "queue unpack": [1, 1, (source = "") => openQueue(folder).unpack(source)],
  "queue process": [0, 3, processQueue],
};

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const words = args[0] === "queue" ? 2 : 1;
  const verb = args.slice(0, words).join(" ");
  const rest = args.slice(words);
  const [least, most, run] = (Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined) ?? [];
  if (run === undefined || rest.length < (least ?? 0) || rest.length > (most ?? 0)) {
    process.stderr.write(USAGE);
    return 2;
  }
  try {
    await run(...rest);
    return 0;
  } catch (error) {
    const subject = rest[0] === undefined ? "" : ` ${rest[0]}`;
    process.stderr.write(`pvtx ${verb}${subject}: ${(error as Error).message}\n`);
    return 1;
  }
}

async function begin(base: string, objects: string | undefined): Promise<void> {
  transaction.begin(await stateOf(base), objects === undefined ? undefined : resolve(objects));
}

function stateOf(base: string): Promise<string | StateDocument> {
  if (base === "current") return client().currentState();
  return Promise.resolve(base === "empty" ? base : resolve(base));
}

/** Into the transaction that is under way, else into a new local one, from nothing unless told. */
async function processQueue(
  base?: string,
  folderOfQueue?: string,
  objects?: string,
): Promise<void> {
  const queue = openQueue(folder, {
    ...(folderOfQueue === undefined ? {} : { queue: resolve(folderOfQueue) }),
    ...(objects === undefined ? {} : { objects: resolve(objects) }),
  });
  if (base !== undefined || !transaction.isOpen()) {
    transaction.begin(await stateOf(base ?? "empty"), queue.objects);
  }
  transaction.process(queue);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
