import { resolve } from "node:path";
import { openTransaction, transactionFolder } from "./pvtx/transaction.ts";

const USAGE = `usage: pvtx begin <empty|REVISION-FOLDER> [OBJECT-FOLDER]
       pvtx add <FILE|->
       pvtx remove <PART>
       pvtx show
       pvtx deploy <FOLDER>
       pvtx abort
`;

process.exitCode = await main(process.argv.slice(2));

async function main([verb, first, second, ...rest]: readonly string[]): Promise<number> {
  const transaction = openTransaction(transactionFolder(process.env));
  const wanted = { begin: [1, 2], add: [1, 1], remove: [1, 1], deploy: [1, 1] } as const;
  const given = [first, second, ...rest].filter((argument) => argument !== undefined).length;
  const [least, most] = verb !== undefined && verb in wanted ? wanted[verb as "add"] : [0, 0];
  if (given < least || given > most) return usage();
  try {
    switch (verb) {
      case "begin":
        transaction.begin(
          first === "empty" ? "empty" : resolve(first ?? ""),
          second === undefined ? undefined : resolve(second),
        );
        return 0;
      case "add":
        await transaction.add(first ?? "");
        return 0;
      case "remove":
        transaction.remove(first ?? "");
        return 0;
      case "show":
        process.stdout.write(`${JSON.stringify(transaction.show(), null, 2)}\n`);
        return 0;
      case "deploy":
        transaction.deploy(resolve(first ?? ""));
        return 0;
      case "abort":
        transaction.abort();
        return 0;
      default:
        return usage();
    }
  } catch (error) {
    const subject = first === undefined ? "" : ` ${first}`;
    process.stderr.write(`pvtx ${verb ?? ""}${subject}: ${(error as Error).message}\n`);
    return 1;
  }
}

function usage(): number {
  process.stderr.write(USAGE);
  return 2;
}
