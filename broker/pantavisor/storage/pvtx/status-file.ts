import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * `.status` in the transaction folder, byte for byte as the real pvtx writes it: two 32-bit
 * integers, the object folder, and for a queue its folder and two more integers.
 */
export interface TransactionStatus {
  readonly phase: Phase;
  /** True when it has an object folder, and so is deployed to the disk. */
  readonly isLocal: boolean;
  /** Object folder; "" for a remote transaction. */
  readonly objects: string;
  readonly queue?: QueueStatus | undefined;
}

export interface QueueStatus {
  readonly folder: string;
  /** Number of the next action. */
  readonly next: number;
}

/** Phases by their number; `set` is a queue that no transaction works off yet. */
const PHASES = ["error", "set", "active", "aborted", "committed", "deployed"] as const;
type Phase = (typeof PHASES)[number];

/** PATH_MAX, with the NUL. */
const PATH_BYTES = 4096;
const TRANSACTION_BYTES = 8 + PATH_BYTES;
const QUEUE_BYTES = TRANSACTION_BYTES + PATH_BYTES + 8;

/** @returns undefined where no transaction or queue has ever been begun */
export function readStatus(folder: string): TransactionStatus | undefined {
  const path = statusFile(folder);
  return existsSync(path) ? decodeStatus(readFileSync(path)) : undefined;
}

/** It has to survive a kill, not a power cut: no device boots from a transaction. */
export function writeStatus(folder: string, status: TransactionStatus): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${statusFile(folder)}.new`, encodeStatus(status));
  renameSync(`${statusFile(folder)}.new`, statusFile(folder));
}

export function statusFile(folder: string): string {
  return join(folder, ".status");
}

/** @throws Error when a path does not fit */
export function encodeStatus({ phase, isLocal, objects, queue }: TransactionStatus): Buffer {
  const bytes = Buffer.alloc(queue === undefined ? TRANSACTION_BYTES : QUEUE_BYTES);
  bytes.writeInt32LE(PHASES.indexOf(phase), 0);
  bytes.writeInt32LE(isLocal ? 1 : 0, 4);
  writePath(bytes, 8, objects);
  if (queue !== undefined) {
    writePath(bytes, TRANSACTION_BYTES, queue.folder);
    bytes.writeInt32LE(queue.next, TRANSACTION_BYTES + PATH_BYTES);
  }
  return bytes;
}

/** @throws Error when the file is not one of these */
export function decodeStatus(bytes: Buffer): TransactionStatus {
  const phase = bytes.length >= TRANSACTION_BYTES ? PHASES[bytes.readInt32LE(0)] : undefined;
  if (phase === undefined) throw new Error("the status file of the transaction is damaged");
  const queue =
    bytes.length < QUEUE_BYTES
      ? undefined
      : {
          folder: readPath(bytes, TRANSACTION_BYTES),
          next: bytes.readInt32LE(TRANSACTION_BYTES + PATH_BYTES),
        };
  return { phase, isLocal: bytes.readInt32LE(4) !== 0, objects: readPath(bytes, 8), queue };
}

function writePath(bytes: Buffer, offset: number, path: string): void {
  if (Buffer.byteLength(path) >= PATH_BYTES) throw new Error(`${path.slice(0, 80)}… is too long`);
  bytes.write(path, offset);
}

function readPath(bytes: Buffer, offset: number): string {
  const field = bytes.subarray(offset, offset + PATH_BYTES);
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? PATH_BYTES : end).toString("utf8");
}
