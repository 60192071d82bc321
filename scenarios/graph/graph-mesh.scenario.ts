import { expect } from "../../harness/facts/expect.ts";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { python } from "../../harness/appengine/python.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { throughout } from "../../harness/throughout.ts";
import { until } from "../../harness/until.ts";
import { labelsAt, serveLabels } from "../support/labels.ts";
import { Program } from "../support/program.ts";
import { waitForStatus } from "../support/steps.ts";

const args = { PV_RESTART_POLICY: "container" };
const unix = (name: string, socket: string) => ({ name, type: "unix", socket });

/** services.json in its three documented forms. */
const alpha = defineContainer({
  name: "alpha",
  args,
  services: [
    unix("plain", "/run/alpha/plain.sock"),
    unix("twice", "/run/alpha/twice.sock"),
    unix("selected", "/run/alpha/selected.sock"),
    unix("moved", "/opt/vendor/release-7/moved.sock"),
  ],
});
const beta = defineContainer({
  name: "beta",
  args,
  services: {
    services: [unix("twice", "/run/beta/twice.sock"), unix("selected", "/run/beta/selected.sock")],
  },
});
const gamma = {
  ...defineContainer({ name: "gamma", args }),
  services: [unix("bare", "/run/gamma/bare.sock")],
};

/** A requirement in all its documented forms but one. */
const forms = defineContainer({
  name: "forms",
  args: {
    ...args,
    PV_SERVICES_REQUIRED: [
      { name: "plain", target: "/run/forms/target.sock" },
      { name: "plain", socket: "/run/forms/socket.sock" },
      { name: "plain", interface: "/run/forms/interface.sock" },
    ],
    PV_SERVICES_OPTIONAL: [
      { name: "bare", target: "/run/forms/bare.sock" },
      { name: "moved", target: "/run/forms/moved.sock" },
      { name: "twice", target: "/run/forms/twice.sock" },
    ],
  },
});
/** A requirement that is a plain string. */
const wordy = defineContainer({ name: "wordy", args: { PV_SERVICES_REQUIRED: ["plain"] } });
const older = defineContainer({
  name: "older",
  args: {
    ...args,
    services: [
      { name: "selected", type: "unix", provider: "beta", socket: "/run/older/selected.sock" },
    ],
  },
});
const wrong = defineContainer({
  name: "wrong",
  args: {
    ...args,
    PV_SERVICES_OPTIONAL: [
      { name: "plain", type: "rest", target: "/run/wrong/type.sock" },
      { name: "plain", role: "lost" },
    ],
  },
});
const bystander = defineContainer({ name: "bystander", args });

scenario(
  "graph-mesh",
  {
    // The container "wrong" requires what it cannot get.
    expects: { rules: ["interface-null"] },
    summary: "who gets which service, and where: manifests in every form, and nothing more",
    containers: [alpha, beta, gamma, forms, older, wrong, bystander],
  },
  ({ check }) => {
    check(
      "graph.manifest-forms",
      "strings, objects, the older args and three forms of services.json are understood",
      async ({ appengine, inside, bootAppengine }) => {
        await serveAll(appengine);
        const paths = ["/run/forms/target.sock", "/run/forms/bare.sock"];
        expect(
          await labelsAt(inside("forms"), paths),
          "providers at the sockets of two manifest forms",
        ).toEqual({
          "/run/forms/target.sock": "alpha plain",
          "/run/forms/bare.sock": "gamma bare",
        });
        expect(
          await labelAt(inside("older"), "/run/older/selected.sock"),
          "provider at the socket of the older manifest form",
        ).toMatch(/ selected$/);

        // In an appengine of its own: a form that is not understood may keep it from running.
        let failure = "";
        const other = await bootAppengine({ containers: [alpha, wordy] }).catch(
          (error: unknown) => {
            failure = error instanceof Error ? error.message : String(error);
            return undefined;
          },
        );
        expect(failure, "error of the socket of the services.json form").toBe("");
        if (other === undefined) return;
        await using server = await serveLabels(other.inside("alpha"), {
          "/run/alpha/plain.sock": "alpha plain",
        });
        const label = await labelAt(other.inside("wordy"), "/run/pv/services/plain.sock");
        expect(label, "provider at the socket of the services.json form").toBe("alpha plain");
        server.say("end");
      },
      { timeout: 60_000 },
    );

    check(
      "graph.target-alias",
      "`target`, `socket` and an absolute `interface` name the injection path",
      async ({ appengine, inside }) => {
        await serveAll(appengine);
        for (const alias of ["target", "socket", "interface"]) {
          const path = `/run/forms/${alias}.sock`;
          expect(
            [path, await labelAt(inside("forms"), path)],
            "provider at the target of this manifest key",
          ).toEqual([path, "alpha plain"]);
        }
      },
    );

    check(
      "graph.logical-names",
      "a name is all a consumer knows of its provider, wherever that has its socket",
      async ({ appengine, inside }) => {
        await serveAll(appengine);
        expect(
          await labelAt(inside("forms"), "/run/forms/moved.sock"),
          "provider at the socket of a renamed file",
        ).toBe("alpha moved");
        const link = (await appengine.graph()).find(({ target }) => target?.endsWith("moved.sock"));
        expect(link, "link of the moved service in the graph").toMatchObject({
          name: "moved",
          socket: "/opt/vendor/release-7/moved.sock",
        });
      },
    );

    check(
      "graph.provider-selector",
      "a requirement that names its provider gets that one, not the first",
      async ({ appengine, inside }) => {
        await serveAll(appengine);
        const label = await labelAt(inside("older"), "/run/older/selected.sock");
        expect(label, "provider at the socket of a requirement that names it").toBe(
          "beta selected",
        );
        // The one that is planted last serves, where there are several.
        const links = (await appengine.graph()).filter(({ consumer }) => consumer === "older");
        expect(
          links.map(({ provider }) => provider),
          "providers of the requirement in the graph",
        ).toEqual(["beta"]);
      },
    );

    check(
      "graph.duplicate",
      "of two providers the first in state order serves, always, and both are named",
      async ({ appengine, inside, signal }) => {
        await serveAll(appengine);
        const serving = new Set<string>();
        for (let round = 0; round < 5; round += 1) {
          const graph = await appengine.graph(signal);
          const providers = graph.filter(({ name }) => name === "twice");
          serving.add(providers.map(({ provider }) => provider).join());
          serving.add(await labelAt(inside("forms"), "/run/forms/twice.sock"));
        }
        expect([...serving].sort(), "providers of the duplicate service, at every look").toEqual([
          "alpha",
          "alpha twice",
        ]);
        const lines = (await appengine.log.lines()).map(({ message }) => message);
        const diagnosis = lines.filter((line) => /two providers/i.test(line)).join("\n");
        expect(diagnosis, "line of pantavisor.log about the two providers").toMatch(
          /twice.*forms.*alpha.*beta/,
        );
        expect(
          lines.filter((line) => /^Re-establishing link forms\/twice/.test(line)),
          "lines of pv-xconnect about a changed provider",
        ).toEqual([]);
      },
    );

    check(
      "graph.type-mismatch",
      "a requirement of another type than the export's is refused, and named",
      async ({ appengine, inside }) => {
        expect(
          await isThere(inside("wrong"), "/run/wrong/type.sock"),
          "a socket is planted for the wrong type",
        ).toBe(false);
        const graph = await appengine.graph();
        expect(
          graph.filter(({ target }) => target === "/run/wrong/type.sock"),
          "links of the wrong type in the graph",
        ).toEqual([]);
        const log = (await appengine.log.lines()).map(({ message }) => message).join("\n");
        expect(log, "pantavisor.log, about the wrong type").toMatch(
          /service 'plain' for platform 'wrong' asks for type rest.*unix/,
        );
      },
    );

    check(
      "graph.missing-target",
      "a requirement without a usable target is refused by name, and nothing is planted",
      async ({ appengine, inside, signal }) => {
        const paths = ["/null", "/run/pv/services/plain.sock"];
        const planted = async (): Promise<string[]> => {
          const all = await Promise.all(paths.map((path) => isThere(inside("wrong"), path)));
          return paths.filter((_, index) => all[index]);
        };
        const refused = async (): Promise<boolean> =>
          (await appengine.log.lines()).some(({ message }) =>
            /^Refusing link wrong\/plain: .*no target/.test(message),
          );
        await until(
          "the link to be refused, or planted somewhere",
          async () => (await refused()) || (await planted()).length > 0,
          { signal, timeout: 8_000 },
        );
        expect(await planted(), "files planted for requirements without a usable target").toEqual(
          [],
        );
        expect(await refused(), "the log names each requirement without a usable target").toBe(
          true,
        );
      },
    );

    check(
      "graph.unauthorised",
      "a container that requires nothing has nothing injected",
      async ({ appengine, inside, signal }) => {
        const sockets = async (): Promise<string[]> => {
          const stdout = await inside("bystander").text("find / -xdev -type s; find /run -type s");
          return stdout.split("\n").filter((path) => path.endsWith(".sock"));
        };
        // The broker may be about to plant.
        await throughout(
          1_500,
          async () =>
            expect(await sockets(), "sockets in the container that requires nothing").toEqual([]),
          {
            signal,
            every: 300,
          },
        );
        const consumers = (await appengine.graph()).map(({ consumer }) => consumer);
        expect(consumers, "consumers in the graph").not.toContain("bystander");
      },
    );

    check(
      "graph.stopped-pid",
      "a peer that has been stopped has no pid in the graph",
      async ({ appengine, control, signal }) => {
        expect(
          (await control.act("older", "stop")).status,
          "status of the stop of the consumer",
        ).toBe(200);
        await waitForStatus(control, "older", "STOPPED", signal);
        const link = (await appengine.graph()).find(({ consumer }) => consumer === "older");
        expect(link?.consumer_pid, "consumer_pid of a stopped consumer").toBeLessThanOrEqual(0);
        expect(
          (await control.act("older", "start")).status,
          "status of the start of the consumer",
        ).toBe(200);
        await waitForStatus(control, "older", "STARTED", signal);
      },
    );

    check(
      "graph.removed",
      "a link whose provider stops for good loses its socket, listener and sessions",
      async ({ appengine, control, inside, signal }) => {
        const path = "/run/forms/bare.sock";
        await serveAll(appengine);
        await using session = await Program.python(
          inside("forms"),
          python`
            import os
            from probes import hold, unix
            peer = unix.connect(${path}, None)
            print(peer.recv(100).decode().strip())
            # A socket outlives its name: is anyone listening behind it?
            inode = os.open(${path}, os.O_PATH)
            print("EOF" if peer.recv(100) == b"" else "data")
            hold()
            try: unix.connect(f"/proc/self/fd/{inode}"); print("accepted")
            except ConnectionRefusedError: print("refused")
          `,
        );
        expect(await session.line(), "first line of the session").toBe("gamma bare");
        expect(
          (await control.act("gamma", "stop")).status,
          "status of the stop of the provider",
        ).toBe(200);
        expect(await session.line(), "event of the session when its provider stops").toBe("EOF");
        await until(`${path} to be gone`, async () => !(await isThere(inside("forms"), path)), {
          signal,
          timeout: 10_000,
          every: 100,
        });
        session.say("look");
        expect(await session.line(), "outcome of a connect after the provider's stop").toBe(
          "refused",
        );
      },
    );
  },
);

/** Every provider's sockets, labelled "<provider> <service>", for as long as the providers run. */
async function serveAll(appengine: Appengine): Promise<void> {
  const { exitCode } = await appengine.inside("alpha").sh("test -S /run/alpha/plain.sock");
  if (exitCode !== 0) await startServers((name) => appengine.inside(name));
}

function startServers(inside: (name: string) => InsideContainer): Promise<unknown> {
  return Promise.all([
    serveLabels(inside("alpha"), {
      "/run/alpha/plain.sock": "alpha plain",
      "/run/alpha/twice.sock": "alpha twice",
      "/run/alpha/selected.sock": "alpha selected",
      "/opt/vendor/release-7/moved.sock": "alpha moved",
    }),
    serveLabels(inside("beta"), {
      "/run/beta/twice.sock": "beta twice",
      "/run/beta/selected.sock": "beta selected",
    }),
    serveLabels(inside("gamma"), { "/run/gamma/bare.sock": "gamma bare" }),
  ]);
}

async function labelAt(container: InsideContainer, path: string): Promise<string> {
  return (await labelsAt(container, [path]))[path] ?? "";
}

async function isThere(container: InsideContainer, path: string): Promise<boolean> {
  return (await container.sh(`test -e ${path} || test -L ${path}`)).exitCode === 0;
}
