import { ERROR_CODES } from "../reports/error-codes.ts";
import type { ErrorClass, ErrorCode } from "../reports/error-codes.ts";

export interface ErrorDetails {
  readonly hint?: string;
  readonly evidence?: readonly string[];
  readonly cause?: unknown;
}

/**
 * One error type for everything pvh reports. Thrown once, reported once.
 *
 * `message` is a fact with values ("image pvh:1 is not on the engine"), `hint` is the next
 * command to run, `evidence` are files worth reading.
 */
export class PvhError extends Error {
  override readonly name = "PvhError";
  readonly code: ErrorCode;
  readonly class: ErrorClass;
  readonly hint: string | undefined;
  readonly evidence: readonly string[];

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.code = code;
    this.class = ERROR_CODES[code].class;
    this.hint = details.hint;
    this.evidence = details.evidence ?? [];
  }
}
