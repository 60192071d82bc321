/** A verb of pvtx that cannot be done, with the exit code that the real pvtx gives. */
export class PvtxError extends Error {
  override readonly name = "PvtxError";
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Exit codes of pvtx, as recorded of the real one. */
export const ExitCode = {
  /** `add` outside of a transaction; a queue that does not exist; arguments that are missing. */
  missing: 1,
  /** `remove` and `queue process` outside of a transaction. */
  nothingToChange: 3,
  /** `remove` without a part. */
  noPart: 4,
  /** `show`, `commit` and `deploy` outside of a transaction. */
  notBegun: 11,
  /** `commit` of a local transaction; `queue new` while a transaction is under way. */
  wrongKind: 12,
  /** Every other failure, for which the real pvtx returns -1. */
  failed: 255,
} as const;
