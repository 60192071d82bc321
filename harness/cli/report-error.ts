import { printable } from "../../reports/printable.ts";
import { PvhError } from "../errors.ts";
import { endingSignal, EXIT, SIGNAL_EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { machineError } from "../machine-error.ts";
import { readThrown } from "../thrown.ts";

/** The exit code and the message for something that a command threw. */
export function describeError(
  thrown: unknown,
  reason: unknown,
): { readonly exitCode: ExitCode; readonly text: string } {
  const signal = endingSignal(reason);
  if (signal !== undefined) {
    return { exitCode: SIGNAL_EXIT[signal], text: `cancelled by ${signal}` };
  }
  const error = machineError(thrown) ?? thrown;
  if (!(error instanceof PvhError)) {
    const { message, stack = message } = readThrown(error);
    return { exitCode: EXIT.bug, text: `pvh: a bug in pvh: ${printable(stack)}` };
  }
  const lines = [
    `pvh: ${error.message} [${error.code}]`,
    ...(error.hint === undefined ? [] : [`  -> ${error.hint}`]),
    ...error.evidence.map((path) => `  evidence: ${path}`),
  ];
  return { exitCode: exitCodeFor(error), text: printable(lines.join("\n")) };
}

function exitCodeFor(error: PvhError): ExitCode {
  if (error.code === "PVH_NEVER_READY") return EXIT.neverReady;
  switch (error.class) {
    case "usage":
      return EXIT.usage;
    case "infra":
      return EXIT.infra;
    case "harness":
      return EXIT.bug;
    case "product":
    case "scenario":
      return EXIT.failed;
  }
}
