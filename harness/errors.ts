import { ERROR_CODES } from "../reports/error-codes.ts";
import type { Quote, Wait } from "../reports/failure-details.ts";
import type { ErrorClass, ErrorCode } from "../reports/error-codes.ts";

export interface ErrorDetails {
  readonly hint?: string;
  readonly evidence?: readonly string[];
  readonly cause?: unknown;
  /** The wait that ended without what it waited for. */
  readonly wait?: Wait;
  /** Lines that tell most, such as the last ones of a container's console. */
  readonly quotes?: readonly Quote[];
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
  readonly wait: Wait | undefined;
  readonly quotes: readonly Quote[];

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.code = code;
    this.class = ERROR_CODES[code].class;
    this.hint = details.hint;
    this.evidence = details.evidence ?? [];
    this.wait = details.wait;
    this.quotes = details.quotes ?? [];
  }
}
