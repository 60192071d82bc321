import * as z from "zod";

/** Container and role names that may travel in headers, cgroup paths and file names. */
export const SAFE_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/**
 * Names of services: any text without slashes and control characters, so no path and no line end.
 */
export const serviceName = z
  .string()
  .regex(/^[^/\p{Cc}]{1,128}$/u, "must be 1 to 128 characters, no slash or control character");

/** Name of an object beside run.json, with the prefix `dm:` where it is to be verified. */
export const objectName = z
  .string()
  .regex(/^(dm:)?[A-Za-z0-9_][A-Za-z0-9_.-]*$/, "must be a file name of A-Z a-z 0-9 _ . -");

/** Name of a volume that is made for a container: one segment of a path. */
export const volumeName = z
  .string()
  .regex(
    /^(?!\.{1,2}$)[^/\p{Cc}]{1,255}$/u,
    "must be a name without slash or control character, not . or ..",
  )
  .refine((name) => Buffer.byteLength(name) <= 255, "must be at most 255 bytes");

/** @returns the first value that comes twice */
export function firstTwice(values: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return values.find((value) => seen.size === seen.add(value).size);
}

export const safeName = z.string().regex(SAFE_NAME, "must match [A-Za-z0-9_.-]{1,64}");
