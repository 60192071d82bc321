import { expect } from "../../harness/facts/expect.ts";
import { python, pythonFile } from "../../harness/appengine/python.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { BusServices, OPEN_BUS, busConsumer, openBus } from "../support/open-bus.ts";
import { Program } from "../support/program.ts";

const FINE = "org.pvh.Fine";
const SERVICES = ["org.pvh.Talk", "org.pvh.Called", "org.pvh.Seen", "org.pvh.Hidden"];

const client = busConsumer("client", {
  rules: [
    { access: "talk", name: "org.pvh.Talk" },
    { access: "call", name: "org.pvh.Called", interface: FINE, member: "Go", path: "/p" },
    { access: "broadcast", name: "org.pvh.Called", interface: FINE },
    { access: "see", name: "org.pvh.Seen.*" },
    { access: "talk", name: "org.pvh.Hidden", role: "nobody" },
  ],
});
/** Talks to one name, and is what the vision's manifests look like: an interface and no rules. */
const other = busConsumer("other", { interface: "org.pvh.Hidden" });
const owner = busConsumer("owner", { rules: [{ access: "own", name: "org.pvh.Own.*" }] });

scenario(
  "dbus-filter",
  {
    summary: "a consumer reaches and hears on the provider's bus what its rules say, and no more",
    containers: [openBus, client, other, owner],
    shares: "bus",
  },
  ({ check }) => {
    check("dbus.policy.own", "only allowed names can be owned", async ({ inside, signal }) => {
      await using services = new AsyncDisposableStack();
      services.use(await BusServices.start(inside(OPEN_BUS), SERVICES, signal));
      const request = (...names: string[]) => python`
        from probes import tell
        from probes.bus_peer import Peer
        peer = Peer()
        for name in ${names}: tell(peer.driver("RequestName", "su", name, 4))
      `;
      await using program = await Program.python(
        inside("owner"),
        request("org.pvh.Own.here", "org.pvh.Owner", "org.pvh.Talk"),
      );
      expect(await program.json(), "reply to RequestName of an allowed name").toEqual([1]);
      expect(await program.json(), "reply to RequestName of a name that is not allowed").toBe(
        "AccessDenied",
      );
      expect(await program.json(), "reply to RequestName of another name that is not allowed").toBe(
        "AccessDenied",
      );
      await using talker = await Program.python(inside("client"), request("org.pvh.Talk.mine"));
      expect(await talker.json(), "reply to RequestName of a consumer that may own none").toBe(
        "AccessDenied",
      );
    });

    check(
      "dbus.filter.name",
      "a call outside the allow-list is AccessDenied and does not arrive",
      async ({ inside, signal }) => {
        await using services = await BusServices.start(inside(OPEN_BUS), SERVICES, signal);
        const unique = services.uniqueNames["org.pvh.Hidden"] ?? "";
        await using program = await Program.python(
          inside("client"),
          python`
            from probes import tell
            from probes.bus_peer import Peer
            peer = Peer()
            names = ("org.pvh.Talk", "org.pvh.Hidden", ${unique}, "org.pvh.Seen", "org.pvh.DoesNotExist")
            tell([peer.call(name, ${FINE}, "Go") for name in names])
          `,
        );
        const denied = "AccessDenied";
        expect(
          await program.json(),
          "replies to calls inside and outside of the allowed names",
        ).toEqual([["org.pvh.Talk"], denied, denied, denied, denied]);
        expect(
          await services.heard("org.pvh.Hidden"),
          "calls that the hidden name heard",
        ).not.toContainEqual(expect.objectContaining({ member: "Go" }));
      },
    );

    check(
      "dbus.filter.interface",
      "nor is a foreign interface, member or path of an allowed name",
      async ({ inside, signal }) => {
        await using services = await BusServices.start(inside(OPEN_BUS), SERVICES, signal);
        await using program = await Program.python(
          inside("client"),
          python`
            from jeepney import DBusAddress, new_method_call
            from probes import tell
            from probes.bus_peer import Peer
            peer = Peer()
            name = "org.pvh.Called"
            tell([
                peer.call(name, ${FINE}, "Go"),
                peer.call(name, ${FINE}, "Stop"),
                peer.call(name, "org.pvh.Foreign", "Go"),
                peer.call(name, None, "Go"),
                peer.ask(new_method_call(DBusAddress("/q", name, ${FINE}), "Go")),
            ])
          `,
        );
        const denied = "AccessDenied";
        expect(
          await program.json(),
          "replies to calls with an allowed and with foreign interfaces, members and paths",
        ).toEqual([["org.pvh.Called"], denied, denied, denied, denied]);
        const calls = (await services.heard("org.pvh.Called")).filter(
          ({ type }) => type === "method_call",
        );
        expect(calls, "calls that arrived at the service").toHaveLength(1);
      },
    );

    check(
      "dbus.filter.signal",
      "signals outside the allow-list do not arrive, whatever is asked of the bus",
      async ({ inside, signal }) => {
        await using services = await BusServices.start(inside(OPEN_BUS), SERVICES, signal);
        await using program = await Program.python(
          inside("client"),
          pythonFile(import.meta.dirname, "hears_signals.py"),
        );
        const denied = "AccessDenied";
        expect(
          await program.json(),
          "signals that arrived, and replies to requests for more",
        ).toEqual([[], [], denied, denied, denied, denied]);
        const consumer = (await program.json()) as string;
        const called = services.uniqueNames["org.pvh.Called"];
        const talk = services.uniqueNames["org.pvh.Talk"] ?? "";
        await services.signal("org.pvh.Hidden", null, FINE, "FromHidden");
        await services.signal("org.pvh.Hidden", consumer, FINE, "FromHiddenToYou");
        await services.signal("org.pvh.Hidden", talk, FINE, "ForSomebodyElse");
        await services.signal("org.pvh.Seen", null, FINE, "FromSeen");
        await services.signal("org.pvh.Called", null, "org.pvh.Foreign", "ForeignInterface");
        await services.signal("org.pvh.Called", null, FINE, "Allowed");
        await services.signal("org.pvh.Talk", null, "org.pvh.Foreign", "AllowedToo");
        await services.signal("org.pvh.Talk", null, FINE, "End");
        program.say("");
        // Signals of different senders may overtake each other.
        expect(
          new Set((await program.json()) as unknown[]),
          "allowed signals that arrived",
        ).toEqual(
          new Set([
            [called, FINE, "Allowed"],
            [talk, "org.pvh.Foreign", "AllowedToo"],
            [talk, FINE, "End"],
          ]),
        );
      },
    );

    check(
      "dbus.filter.names-hidden",
      "names that the link may not see do not exist",
      async ({ inside, signal }) => {
        await using services = await BusServices.start(inside(OPEN_BUS), SERVICES, signal);
        const { uniqueNames } = services;
        const hidden = uniqueNames["org.pvh.Hidden"] ?? "";
        await using program = await Program.python(
          inside("client"),
          pythonFile(import.meta.dirname, "asks_for_names.py", hidden),
        );
        const self = await program.json();
        const visible = ["org.pvh.Talk", "org.pvh.Called", "org.pvh.Seen"];
        expect(new Set((await program.json()) as string[]), "names that ListNames gives").toEqual(
          new Set([
            "org.freedesktop.DBus",
            self,
            ...visible,
            ...visible.map((name) => uniqueNames[name]),
          ]),
        );
        const none = "NameHasNoOwner";
        expect(await program.json(), "replies to questions about hidden names").toEqual([
          [false],
          none,
          none,
          none,
          "ServiceUnknown",
          none,
        ]);
        expect(await program.json(), "replies to questions about visible names").toEqual([
          [true],
          [uniqueNames["org.pvh.Talk"]],
        ]);
        expect(await program.json(), "first line of the listener").toBe("ready");
        for (const name of ["org.pvh.Hidden.child", "org.pvh.Seen.child"]) {
          await services.own(name);
          await services.leave(name);
        }
        await services.signal("org.pvh.Talk", null, FINE, "End");
        await services.signal("org.pvh.Talk", self as string, FINE, "End");
        program.say("");
        const changed = (await program.json()) as string[];
        expect(
          changed.filter((name) => !name.startsWith(":")),
          "changes of well-known names that the consumer heard of",
        ).toEqual(["org.pvh.Seen.child", "org.pvh.Seen.child"]);
        expect(
          new Set(changed.filter((name) => name.startsWith(":"))).size,
          "changes of unique names that the consumer heard of",
        ).toBeLessThanOrEqual(1);
      },
    );

    check(
      "dbus.reply",
      "a reply that was not asked for does not arrive, either way",
      async ({ inside, signal }) => {
        await using services = await BusServices.start(inside(OPEN_BUS), SERVICES, signal);
        await using program = await Program.python(
          inside("client"),
          pythonFile(import.meta.dirname, "forges_reply.py", FINE),
        );
        await services.forgeReplies("org.pvh.Hidden", (await program.json()) as string, 32);
        program.say("");
        expect(await program.json(), "reply to the call").toEqual(["org.pvh.Talk"]);
        const call = (await services.heard("org.pvh.Talk")).find(({ member }) => member === "Go");
        await services.signal("org.pvh.Talk", call?.sender ?? "", FINE, "End");
        expect(await program.json(), "types of the messages that the consumer heard").not.toContain(
          "method_return",
        );
        expect(
          await services.heard("org.pvh.Talk"),
          "messages that the service heard",
        ).not.toContainEqual(expect.objectContaining({ type: "method_return", body: ["forged"] }));
      },
    );

    check(
      "dbus.role-metadata",
      "the owner of the name is told who its client is, by nobody else",
      async ({ inside, signal }) => {
        await using services = await BusServices.start(inside(OPEN_BUS), SERVICES, signal);
        await using program = await Program.python(
          inside("client"),
          python`
            from jeepney import DBusAddress, HeaderFields, new_signal
            from probes import hold, tell
            from probes.bus_peer import Peer
            peer = Peer()
            talk, metadata = "org.pvh.Talk", "org.pantavisor.Xconnect1"
            address = DBusAddress("/p", talk, metadata)
            signal = new_signal(address, "Client", "ss", ("admin", "admin"))
            signal.header.fields[HeaderFields.destination] = talk
            peer.send(signal)
            tell([peer.name, peer.call(talk, metadata, "Client"), peer.call(talk, ${FINE}, "Go")])
            hold()
          `,
        );
        const [self, spoof, answer] = (await program.json()) as unknown[];
        expect([spoof, answer], "replies to a forged identity and to a true call").toEqual([
          "AccessDenied",
          ["org.pvh.Talk"],
        ]);
        const fromSelf = (await services.heard("org.pvh.Talk")).filter(
          ({ sender }) => sender === self,
        );
        expect(fromSelf, "messages that the service got from this client").toEqual([
          {
            type: "signal",
            interface: "org.pantavisor.Xconnect1",
            member: "Client",
            sender: self,
            body: ["client", "root"],
          },
          { type: "method_call", interface: FINE, member: "Go", sender: self, body: [] },
        ]);
      },
    );

    check(
      "dbus.virtual-socket",
      "each consumer has a bus of its own: what one may the other may not, and neither sees the other",
      async ({ inside, signal }) => {
        await using services = new AsyncDisposableStack();
        services.use(await BusServices.start(inside(OPEN_BUS), SERVICES, signal));
        const source = python`
          from probes import hold, tell
          from probes.bus_peer import Peer
          peer = Peer()
          tell(peer.name)
          hold()
          tell([peer.call(name, ${FINE}, "Go") for name in ("org.pvh.Talk", "org.pvh.Hidden")])
          tell(peer.driver("ListNames")[0])
          hold()
        `;
        await using one = await Program.python(inside("client"), source);
        await using two = await Program.python(inside("other"), source);
        const [oneName, twoName] = [await one.json(), await two.json()];
        one.say("");
        two.say("");
        expect(await one.json(), "replies that the first consumer got").toEqual([
          ["org.pvh.Talk"],
          "AccessDenied",
        ]);
        expect(await two.json(), "replies that the second consumer got").toEqual([
          "AccessDenied",
          ["org.pvh.Hidden"],
        ]);
        expect(await one.json(), "names that the first consumer sees").not.toContain(twoName);
        expect(await two.json(), "names that the second consumer sees").not.toContain(oneName);
      },
    );
  },
);
