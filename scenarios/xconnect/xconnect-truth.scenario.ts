import { patientSeconds, python, pythonFile } from "../../harness/appengine/python.ts";
import { expect } from "../../harness/facts/expect.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { uidAtDaemon } from "../support/bus.ts";
import { messageProvider, socketOf, targetOf } from "../support/messages.ts";
import { Program } from "../support/program.ts";

const REST = "pv-example-rest-server";
const BUS = "pv-example-dbus-server";
const RAW = "truth-provider";
const LIAR = "truth-liar";
const REST_TARGET = "/run/pv/services/network-manager.sock";

const required = (name: string, role: string, target = `/run/pv/services/${name}.sock`) => ({
  name,
  role,
  target,
});

const liar = defineContainer({
  name: LIAR,
  args: {
    PV_RESTART_POLICY: "container",
    PV_SERVICES_REQUIRED: [
      required("network-manager", "viewer", REST_TARGET),
      required("system-bus", "nobody", "/run/dbus/system_bus_socket"),
      required("line", "viewer"),
      { ...required("marked", "nobody"), fds: ["memfd"] },
    ],
  },
});

/** Identity by the graph, and the one that the consumer claims. */
const TRUTH = '{"client":"truth-liar","role":"viewer"}';
const LIE = '{"client":"root","role":"admin"}';

scenario(
  "xconnect-truth",
  {
    summary: "a consumer that claims another role in every way that a protocol offers",
    containers: [
      REST,
      BUS,
      messageProvider(RAW, {
        line: { identity: "greeting" },
        marked: { identity: "cmsg", fds: ["memfd"] },
      }),
      liar,
    ],
    shares: "rest",
  },
  ({ check }) => {
    check(
      "xc.single-truth",
      "headers, SASL identity, greeting bytes and control messages change no role",
      async ({ inside, signal }) => {
        const forged = "-H 'X-PV-Role: admin' -H 'X-PV-Client: root'";
        const answer = await until(
          "the rest service to answer",
          async () => {
            const stdout = await inside(LIAR).text(
              `curl -s --max-time ${patientSeconds(5)} ${forged} --unix-socket ${REST_TARGET} http://localhost/info`,
              { timeout: 10_000 },
            );
            return stdout !== "" && stdout;
          },
          { signal, timeout: 10_000 },
        );
        expect(JSON.parse(answer), "identity that the REST provider got").toMatchObject({
          client: LIAR,
          role: "viewer",
        });

        // "30" is uid 0 in hexadecimal digits of its decimal ones.
        await using bus = await Program.python(
          inside(LIAR),
          python`
            from probes import bus, hold
            peer = bus.connect()
            print(bus.ask(peer, "AUTH EXTERNAL 30").split(" ")[0])
            print(bus.begin(peer))
            hold()
          `,
        );
        expect(await bus.line(), "reply to the handshake with a lie").toBe("OK");
        expect(
          await uidAtDaemon(inside(BUS), await bus.line()),
          "uid of the lying connection at the provider's bus",
        ).toBe(65_534);

        await using provider = await Program.python(
          inside(RAW),
          pythonFile(
            import.meta.dirname,
            "truth_provider.py",
            socketOf("line"),
            socketOf("marked"),
          ),
        );
        expect(await provider.line(), "first line of the provider").toBe("listening");
        await using consumer = await Program.python(
          inside(LIAR),
          pythonFile(import.meta.dirname, "liar.py", LIE, targetOf("line"), targetOf("marked")),
        );
        expect(await consumer.line(), "line of the consumer that lies").toBe("sent");
        // The consumer's own come second, as what they are: bytes, and a memfd that may pass.
        expect(await provider.json(), "lines that the provider heard").toEqual([TRUTH, LIE]);
        const marks = [TRUTH.replace("viewer", "nobody"), LIE];
        expect(await provider.json(), "credentials and handles that the provider got").toEqual({
          ids: [[65_534, 65_534]],
          handles: marks,
        });
      },
      { timeout: 30_000 },
    );
  },
);
