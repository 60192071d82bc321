/**
 * Path of evidence below its run's folder, as a link may name it. Nothing that a record says leads out of
 * the folder.
 * @returns undefined for a path that is absolute, goes up, or has characters that no evidence has
 */
export function insidePath(path: string): string | undefined {
  const parts = path.split("/");
  const isPlain = parts.every((part) => /^[\w.@+=~-]+$/.test(part) && !/^\.+$/.test(part));
  return isPlain && path.length <= 4_096 ? path : undefined;
}
