import { expect } from "../../harness/facts/expect.ts";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import { python, pythonFile } from "../../harness/appengine/python.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { holdBus, uidAtDaemon } from "../support/bus.ts";
import { BusServices, OPEN_BUS, busConsumer, openBus, startBus } from "../support/open-bus.ts";
import { Program } from "../support/program.ts";

const HERE = import.meta.dirname;
const TALK = { interface: "org.pvh.Talk" };

scenario(
  "dbus-wire",
  {
    summary: "what a consumer sends is authentication and messages, or its session ends",
    containers: [
      openBus,
      busConsumer("wire-client", TALK),
      busConsumer("wire-nobody", { ...TALK, role: "nobody" }),
      busConsumer("wire-fds", { interface: "org.pvh.Fds", fds: ["pipe"] }),
    ],
    shares: "bus",
  },
  ({ check }) => {
    check(
      "dbus.role.separate",
      "each consumer has a connection of its own",
      async ({ inside, signal }) => {
        await startBus(inside(OPEN_BUS), signal);
        await using one = await holdBus(inside("wire-client"));
        await using two = await holdBus(inside("wire-nobody"));
        await using three = await holdBus(inside("wire-nobody"));
        expect(
          new Set([one.name, two.name, three.name]).size,
          "number of different unique names of three consumers",
        ).toBe(3);
        expect(
          await uidAtDaemon(inside(OPEN_BUS), one.name),
          "uid of role root's connection at the provider's bus",
        ).toBe(0);
        expect(
          await uidAtDaemon(inside(OPEN_BUS), two.name),
          "uid of the second consumer's connection at the provider's bus",
        ).toBe(65534);
        expect(
          await uidAtDaemon(inside(OPEN_BUS), three.name),
          "uid of the third consumer's connection at the provider's bus",
        ).toBe(65534);
      },
    );

    check(
      "dbus.auth.other",
      "other mechanisms, pipelined and split lines end as the role's user",
      async ({ inside, signal }) => {
        await startBus(inside(OPEN_BUS), signal);
        await using program = await Program.python(
          inside("wire-nobody"),
          python`
            from probes import bus, hold, tell
            peer = bus.connect()
            lines = ("AUTH ANONYMOUS 78", "AUTH DBUS_COOKIE_SHA1 30", "AUTH")
            replies = [bus.ask(peer, line).split(" ")[:2] for line in lines]
            for byte in b"AUTH EXTERNAL 3": peer.sendall(bytes([byte]))
            tell([replies, bus.ask(peer, "0")[:3]])
            print(bus.begin(peer))
            pipelined = bus.connect()
            pipelined.sendall(b"AUTH ANONYMOUS\r\nAUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\n")
            print(bus.begin(pipelined))
            hold()
          `,
        );
        const rejected = ["REJECTED", "EXTERNAL"];
        expect(
          await program.json(),
          "replies to foreign mechanisms, and to a split handshake",
        ).toEqual([[rejected, rejected, rejected], "OK "]);
        for (const name of [await program.line(), await program.line()]) {
          expect(
            await uidAtDaemon(inside(OPEN_BUS), name),
            "uid of the connection at the provider's bus, after a split handshake",
          ).toBe(65534);
        }
      },
    );

    check(
      "dbus.fd",
      "fds arrive both ways with their messages where both manifests list them, else nobody is led to send any",
      async ({ appengine, inside, signal }) => {
        await startBus(inside(OPEN_BUS), signal);
        await using refused = await Program.python(
          inside("wire-client"),
          python`
            from probes import bus
            peer = bus.connect()
            bus.ask(peer, "AUTH EXTERNAL 30")
            print(bus.ask(peer, "NEGOTIATE_UNIX_FD").split(" ")[0])
          `,
        );
        expect(await refused.line(), "reply to NEGOTIATE_UNIX_FD where fds are not allowed").toBe(
          "ERROR",
        );

        await using service = await Program.python(
          inside(OPEN_BUS),
          pythonFile(HERE, "fd_service.py"),
        );
        expect(await service.json(), "fds that the service got in its first call").toEqual([1]);
        const before = await brokerFds(appengine);
        {
          await using client = await Program.python(
            inside("wire-fds"),
            pythonFile(HERE, "fd_client.py"),
          );
          expect(
            await client.json(20_000),
            "texts read from fds, there and back, of 20 calls",
          ).toEqual(
            Array.from({ length: 20 }, (_, at) => [
              [`${at} one`, `${at} two`],
              [`${at} one two back`],
            ]),
          );
          expect(await client.line(), "reply to a message with an fd too many").toBe(
            "org.freedesktop.DBus.Error.AccessDenied",
          );
        }
        // 61 fds have passed; of the closed session not one may be left.
        await until(
          "the session's fds to be closed",
          async () => (await brokerFds(appengine)) <= before,
          {
            signal,
            timeout: 5_000,
          },
        );
      },
    );

    check(
      "dbus.malformed",
      "what is no message ends the session that it came on, and no other",
      async ({ inside, signal }) => {
        await using services = await BusServices.start(inside(OPEN_BUS), ["org.pvh.Talk"], signal);
        await using program = await Program.python(
          inside("wire-client"),
          pythonFile(HERE, "malformed.py"),
        );
        expect(
          await program.json(60_000),
          "first malformed message that did not end its session",
        ).toBe(null);
        expect(await program.json(), "other sessions still work").toEqual([true, true]);
        expect(
          await services.heard("org.pvh.Talk"),
          "messages that the service heard",
        ).not.toContainEqual(expect.objectContaining({ type: "method_call" }));
      },
    );

    check(
      "dbus.real-clients",
      "dbus-send, busctl, gdbus and dbus-test-tool work",
      async ({ inside, signal }) => {
        await using services = new AsyncDisposableStack();
        services.use(await BusServices.start(inside(OPEN_BUS), ["org.pvh.Talk"], signal));
        const answers: Readonly<Record<string, string>> = {
          "dbus-send --system --print-reply=literal --dest=org.pvh.Talk /p org.pvh.Fine.Go":
            "org.pvh.Talk",
          "busctl --system call org.pvh.Talk /p org.pvh.Fine Go": 's "org.pvh.Talk"',
          "gdbus call --system --dest org.pvh.Talk --object-path /p --method org.pvh.Fine.Go":
            "('org.pvh.Talk',)",
          "dbus-test-tool spam --system --dest=org.pvh.Talk --count=20 && echo all": "all",
        };
        for (const consumer of ["wire-client", "wire-nobody"]) {
          for (const [command, answer] of Object.entries(answers)) {
            const { stdout, stderr } = await inside(consumer).sh(command, { timeout: 10_000 });
            expect(stdout, `output of ${command} (${stderr})`).toContain(answer);
          }
        }
      },
    );
  },
);

async function brokerFds(appengine: Appengine): Promise<number> {
  const stdout = await appengine.text('ls "/proc/$(pgrep -o -x pv-xconnect)/fd" | wc -l');
  return Number(stdout);
}
