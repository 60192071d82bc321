/**
 * For `unshare --mount sh -ec STAND_IN sh FOLDER`: a process that is a container to the broker.
 * Its /run is a folder of this machine, so that what is in it can be reached by a plain path. It
 * prints "ready" and reads its standard input, so that it ends with pvh, however that ends.
 */
export const STAND_IN = `
mount --make-rprivate /
mount --bind "$1" /run
echo ready
exec cat
`;
