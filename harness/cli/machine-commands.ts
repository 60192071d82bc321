import { PvhError } from "../errors.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { didYouMean } from "../near-names.ts";
import type { Call } from "./command.ts";
import { quirkList } from "./parse-value.ts";

/** The commands on images, exports and the machine: what their command lines mean. */
export async function build({ args, out, signal }: Call): Promise<ExitCode> {
  const { buildCommand } = await import("./build.ts");
  return buildCommand({ json: args.flag("json"), signal }, out);
}

export async function load({ args, out, signal }: Call): Promise<ExitCode> {
  const { loadCommand } = await import("./load.ts");
  return loadCommand({ tarball: args.word(0) ?? "", json: args.flag("json"), signal }, out);
}

export async function exportsMake({ args, out, signal }: Call): Promise<ExitCode> {
  const { exportsMakeCommand } = await import("./exports.ts");
  const folder = args.text("out") ?? ".";
  return exportsMakeCommand({ wanted: args.words, folder, json: args.flag("json"), signal }, out);
}

export async function exportsLint({ args, out, signal }: Call): Promise<ExitCode> {
  const { exportsLintCommand } = await import("./exports.ts");
  return exportsLintCommand({ paths: args.words, json: args.flag("json"), signal }, out);
}

export async function doctor({ args, out, signal }: Call): Promise<ExitCode> {
  const { doctorCommand } = await import("./doctor.ts");
  return doctorCommand({ json: args.flag("json"), signal }, out);
}

export async function broker({ args, signal }: Call): Promise<ExitCode> {
  const ctrl = args.text("ctrl");
  if (ctrl === undefined) {
    throw new PvhError("PVH_USAGE", "pvh broker needs --ctrl, the pv-ctrl socket of a pantavisor");
  }
  const { brokerCommand } = await import("./broker.ts");
  return brokerCommand({ ctrl, quirks: quirkList(args), signal });
}

const ENGINE_ACTIONS = ["start", "stop", "status"] as const;

export async function engine({ args, out, signal }: Call): Promise<ExitCode> {
  const word = args.word(0) ?? "";
  const action = ENGINE_ACTIONS.find((one) => one === word);
  if (action === undefined) {
    throw new PvhError("PVH_USAGE", `pvh engine has no action '${word}'`, {
      hint: didYouMean(word, ENGINE_ACTIONS) ?? "start, stop or status",
    });
  }
  const { engineCommand } = await import("./engine.ts");
  return engineCommand({ action, json: args.flag("json"), signal }, out);
}
