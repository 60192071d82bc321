import { join } from "node:path";
import { expect } from "../harness/facts/expect.ts";
import { patientSeconds } from "../harness/appengine/python.ts";
import { defineContainer } from "../harness/exports/container-definition.ts";
import { scenario } from "../harness/run/scenario.ts";

const TARGET = "/run/pv/services/greeter.sock";

/** A consumer that only waits: the check runs its commands in it. */
const visitor = defineContainer({
  name: "visitor",
  args: {
    PV_RESTART_POLICY: "container",
    PV_SERVICES_REQUIRED: [{ name: "greeter", type: "unix", target: TARGET }],
  },
});

scenario(
  "greeting",
  {
    summary: "an example: a container of one's own is deployed and asked through its link",
    containers: [join(import.meta.dirname, "greeter"), visitor],
  },
  ({ check }) => {
    check("unix.roundtrip", "the greeter answers its visitor", async ({ inside }) => {
      const ask = `echo Ada | socat -t ${patientSeconds(5)} - UNIX-CONNECT:${TARGET}`;
      expect(await inside("visitor").text(ask), "the greeter's answer to its visitor").toBe(
        "hello Ada\n",
      );
    });
  },
);
