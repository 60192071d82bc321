import { refuseUnwritable, hostFunction, memory, number, words } from "../host-function.ts";
import type { HostModule } from "../host-function.ts";

/** `args` and `environ`: the strings' addresses, and the strings, each with its NUL. */
export function stringList(name: "args" | "environ", strings: readonly string[]): HostModule {
  const texts = strings.map((text) => Buffer.from(`${text}\0`, "utf8"));
  const all = Buffer.concat(texts);
  return {
    [`${name}_sizes_get`]: hostFunction([words(1), words(1)], (count, bytes) => {
      count(texts.length);
      bytes(all.length);
    }),
    [`${name}_get`]: hostFunction([memory, number, number], (guest, table, buffer) => {
      refuseUnwritable(guest, table, texts.length * 4);
      refuseUnwritable(guest, buffer, all.length);
      const addresses = Buffer.alloc(texts.length * 4);
      let at = buffer;
      for (const [index, { length }] of texts.entries()) {
        addresses.writeUInt32LE(at, index * 4);
        at += length;
      }
      guest.write(table, addresses);
      guest.write(buffer, all);
    }),
  };
}
