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
      try: bus = open_dbus_connection("SYSTEM")
      except Exception as error: print(f"none: {type(error).__name__} {error}"); raise SystemExit
      print(bus.unique_name)
      hold()
    `,
  );
  const name = await program.line();
  expect(name, `unique name that ${container.name} got on the bus`).toMatch(/^:\d/);
  return {
    name,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/**
 * Speak these SASL lines, one reply each, until one is taken, and say Hello then.
 * @returns the last reply, and the unique name when it is OK
 */
export async function speakSasl(
  container: InsideContainer,
  lines: readonly string[],
): Promise<{ readonly reply: string; readonly name: string } & AsyncDisposable> {
  const program = await Program.python(
    container,
    python`
      from probes import bus, hold, tell
      peer = bus.connect()
      reply = ""
      for line in ${lines}:
          reply = bus.ask(peer, line).split(" ")[0]
          if reply == "OK": break
      tell({"reply": reply})
      if reply == "OK": print(bus.begin(peer))
      hold()
    `,
  );
  const { reply } = (await program.json()) as { reply: string };
  return {
    reply,
    name: reply === "OK" ? await program.line() : "",
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
