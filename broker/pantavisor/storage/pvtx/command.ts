import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { quirksOf } from "../../../shared/quirks/quirks.ts";
import { ExitCode, PvtxError } from "./pvtx-error.ts";
import { adoptQueue, newQueue, NO_QUEUE, openQueue } from "./queue.ts";
import { readStatus } from "./status-file.ts";
import { stepClient } from "./step-client.ts";
import { openTransaction, transactionFolder } from "./transaction.ts";

const USAGE = `usage: pvtx begin [current|empty|REVISION-FOLDER|FILE.json [OBJECT-FOLDER]]
       pvtx add <FILE|->
       pvtx remove <PART>            NAME, _sigs/NAME.json, _config/NAME or a path
       pvtx show
       pvtx commit [locals/NAME]     a transaction without OBJECT-FOLDER, to pv-ctrl
       pvtx deploy <FOLDER>          one with OBJECT-FOLDER, to the disk
       pvtx abort
       pvtx queue new <QUEUE-FOLDER> <OBJECT-FOLDER>
       pvtx queue remove <PART>
       pvtx queue unpack <FILE|->
       pvtx queue process [BASE [QUEUE-FOLDER OBJECT-FOLDER]]
`;

/** The world of one call of pvtx. */
export interface CommandContext {
  readonly environment: NodeJS.ProcessEnv;
  readonly print: (text: string) => void;
  readonly printError: (text: string) => void;
}

type Verb = (...args: readonly string[]) => void | Promise<void>;
/** `missing` is the exit code when there are fewer than `least` arguments. */
type VerbRow = readonly [least: number, most: number, run: Verb, missing?: number];

/**
 * Run one call of pvtx; a call that fails prints its reason.
 * @returns exit code
 */
export async function pvtxCommand(
  args: readonly string[],
  context: CommandContext,
): Promise<number> {
  const words = args[0] === "queue" ? 2 : 1;
  const verb = args.slice(0, words).join(" ");
  const rest = args.slice(words);
  const verbs = verbsOf(context);
  const [least, most, run, missing] = (Object.hasOwn(verbs, verb) ? verbs[verb] : undefined) ?? [];
  if (run === undefined || rest.length < (least ?? 0) || rest.length > (most ?? 0)) {
    context.printError(USAGE);
    return rest.length < (least ?? 0) ? (missing ?? ExitCode.failed) : ExitCode.failed;
  }
  try {
    await run(...rest);
    return 0;
  } catch (error) {
    const subject = rest[0] === undefined ? "" : ` ${rest[0]}`;
    context.printError(`pvtx ${verb}${subject}: ${(error as Error).message}\n`);
    return error instanceof PvtxError ? error.exitCode : ExitCode.failed;
  }
}

function verbsOf({ environment, print }: CommandContext): Readonly<Record<string, VerbRow>> {
  const folder = transactionFolder(environment);
  const transaction = openTransaction(folder, quirksOf(environment));
  const client = () => stepClient(environment["PVCONTROL_SOCKET"]);

  async function begin(base: string, objects?: string): Promise<void> {
    const state = base === "current" ? await client().currentState() : base;
    const start = typeof state === "string" && state !== "empty" ? resolve(state) : state;
    transaction.begin(start, objects === undefined ? undefined : resolve(objects));
  }

  /** Into the transaction that is under way, or into a new one from a base. */
  async function process(base?: string, queueFolder?: string, objects?: string): Promise<void> {
    if (queueFolder !== undefined && objects !== undefined) {
      adoptQueue(folder, resolve(queueFolder), resolve(objects));
    }
    const queue = readStatus(folder)?.queue?.folder;
    if (queue === undefined || !existsSync(queue)) throw new Error(NO_QUEUE);
    if (base !== undefined) await begin(base);
    await transaction.process(openQueue(folder));
  }

  return {
    begin: [0, 2, (base = "current", objects) => begin(base, objects)],
    add: [1, 1, (source = "") => transaction.add(source)],
    remove: [1, 1, (part = "") => transaction.remove(part), ExitCode.noPart],
    show: [0, 0, () => print(`${JSON.stringify(transaction.show(), null, 2)}\n`)],
    commit: [0, 1, async (name) => print(`${await transaction.commit(client(), name)}\n`)],
    deploy: [1, 1, (target = "") => transaction.deploy(resolve(target)), ExitCode.missing],
    abort: [0, 0, () => transaction.abort()],
    help: [0, 0, () => print(USAGE)],
    "--help": [0, 0, () => print(USAGE)],
    "queue new": [
      2,
      2,
      (queue = "", objects = "") => newQueue(folder, resolve(queue), resolve(objects)),
      ExitCode.missing,
    ],
    "queue remove": [1, 1, (part = "") => openQueue(folder).remove(part), ExitCode.missing],
    "queue unpack": [1, 1, (source = "") => openQueue(folder).unpack(source), ExitCode.missing],
    "queue process": [0, 3, process],
  };
}
