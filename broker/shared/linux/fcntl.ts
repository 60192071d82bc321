import { libc } from "./libc.ts";

/** fcntl(2) with a number as argument; -1 and errno when it fails. */
export const fcntl = libc.func("int fcntl(int, int, long)") as (
  fd: number,
  command: number,
  argument: number,
) => number;
