import { expect } from "../../harness/facts/expect.ts";
import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { python } from "../../harness/appengine/python.ts";
import { Program } from "./program.ts";

/** Open a bus connection with a real client library (jeepney) and keep it open. */
export async function holdBus(
  container: InsideContainer,
): Promise<{ readonly name: string } & AsyncDisposable> {
  const program = await Program.python(
    container,
    python`
      from jeepney.io.blocking import open_dbus_connection
      from probes import hold
      bus = open_dbus_connection("SYSTEM")
      print(bus.unique_name)
      hold()
    `,
  );
  return {
    name: await program.line(),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** GetConnectionUnixUser, asked of the daemon by a connection inside the provider. */
export async function uidAtDaemon(provider: InsideContainer, uniqueName: string): Promise<number> {
  const call = await provider.sh(
    `busctl --system call org.freedesktop.DBus / org.freedesktop.DBus GetConnectionUnixUser s '${uniqueName}'`,
    { timeout: 10_000 },
  );
  expect(call.stdout, `reply to GetConnectionUnixUser (${call.stderr})`).toMatch(/^u \d+\n$/);
  return Number(call.stdout.slice(2));
}
