import { ERRNO } from "../guest-errno.ts";
import type { ErrnoName } from "../guest-errno.ts";
import { checkValues } from "../host-function.ts";
import type { HostFunction, HostModule, ValueType } from "../host-function.ts";

/**
 * Calls of preview 1 on files, folders and sockets, of which a guest has none: `i` is a number of
 * 32 bits, `l` one of 64. A descriptor that could be theirs does not exist.
 */
const ON_DESCRIPTORS: Readonly<Record<string, string>> = {
  fd_advise: "illi",
  fd_allocate: "ill",
  fd_datasync: "i",
  fd_fdstat_set_flags: "ii",
  fd_fdstat_set_rights: "ill",
  fd_filestat_get: "ii",
  fd_filestat_set_size: "il",
  fd_filestat_set_times: "illi",
  fd_pread: "iiili",
  fd_prestat_dir_name: "iii",
  fd_prestat_get: "ii",
  fd_pwrite: "iiili",
  fd_readdir: "iiili",
  fd_renumber: "ii",
  fd_sync: "i",
  fd_tell: "ii",
  path_create_directory: "iii",
  path_filestat_get: "iiiii",
  path_filestat_set_times: "iiiilli",
  path_link: "iiiiiii",
  path_open: "iiiiillii",
  path_readlink: "iiiiii",
  path_remove_directory: "iii",
  path_rename: "iiiiii",
  path_symlink: "iiiii",
  path_unlink_file: "iii",
  sock_accept: "iii",
  sock_recv: "iiiiii",
  sock_send: "iiiii",
  sock_shutdown: "ii",
};
const OTHERS: Readonly<Record<string, string>> = { proc_raise: "i" };

export function refusedCalls(): HostModule {
  return { ...refusingAll(ON_DESCRIPTORS, "EBADF"), ...refusingAll(OTHERS, "ENOSYS") };
}

function refusingAll(calls: Readonly<Record<string, string>>, errno: ErrnoName): HostModule {
  const entries = Object.entries(calls);
  return Object.fromEntries(
    entries.map(([name, types]) => [name, refusing(types, errno)] as const),
  );
}

function refusing(types: string, errno: ErrnoName): HostFunction {
  const parameters = Array.from(types, (one): ValueType => (one === "l" ? "i64" : "i32"));
  return {
    parameters,
    results: ["i32"],
    call(_memory, values) {
      checkValues(parameters, values);
      return ERRNO[errno];
    },
  };
}
