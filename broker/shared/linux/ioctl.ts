import { check, libc } from "./libc.ts";

/** ioctl(2) numbers as asm-generic/ioctl.h makes them: direction, size, type, number. */
const WRITE = 1;
const READ = 2;

const ioctlNumber = libc.func("ioctl", "int", ["int", "unsigned long", "long"]) as (
  fd: number,
  request: number,
  argument: number,
) => number;
const ioctlBuffer = libc.func("ioctl", "int", ["int", "unsigned long", "void *"]) as (
  fd: number,
  request: number,
  argument: Buffer,
) => number;

function request(direction: number, type: string, number: number, size: number): number {
  // As an unsigned number: the direction fills the topmost bits.
  return ((direction << 30) | (size << 16) | (type.charCodeAt(0) << 8) | number) >>> 0;
}

/** _IO: a request without argument. */
export function io(type: string, number: number): number {
  return request(0, type, number, 0);
}

/** _IOW: the kernel reads `size` bytes. */
export function iow(type: string, number: number, size: number): number {
  return request(WRITE, type, number, size);
}

/** _IOR: the kernel writes up to `size` bytes. */
export function ior(type: string, number: number, size: number): number {
  return request(READ, type, number, size);
}

/** @throws SystemCallError of `name` */
export function tellDevice(fd: number, code: number, argument: number, name: string): void {
  check(ioctlNumber(fd, code, argument), name);
}

/**
 * @param argument is read or written, as the request says
 * @returns the request's result, for some the number of bytes
 * @throws SystemCallError of `name`
 */
export function askDevice(fd: number, code: number, argument: Buffer, name: string): number {
  return check(ioctlBuffer(fd, code, argument), name);
}
