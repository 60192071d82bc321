/** Name that pvr gives to the volume of a path: `/var/lib/x` is `docker--var-lib-x`. */
export function volumeOf(path: string): string {
  return `docker-${path.replaceAll("/", "-")}`;
}
