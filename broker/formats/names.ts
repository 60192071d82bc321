import { z } from "zod";

/** Container and role names that may travel in headers, cgroup paths and file names. */
export const SAFE_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

export const safeName = z.string().regex(SAFE_NAME, "must match [A-Za-z0-9_.-]{1,64}");
