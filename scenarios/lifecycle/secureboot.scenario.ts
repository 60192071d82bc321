import { readFileSync } from "node:fs";
import { join } from "node:path";
import { signState } from "../../broker/shared/formats/sign-state.ts";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import { STORAGE } from "../../harness/appengine/layout.ts";
import type { ControlClient } from "../../harness/control/control-client.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { expect } from "../../harness/facts/expect.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { shellQuote } from "../../harness/shell-quote.ts";
import {
  command,
  currentState,
  install,
  progress,
  rolledBack,
  send,
} from "../support/revisions.ts";
import type { State } from "../support/revisions.ts";

const KEYS = join(import.meta.dirname, "../../fixtures/secureboot");
const APP = "app";
const TRUST = "/etc/pantavisor/pvs/trust";
const LOG = `${STORAGE}/logs/current/pantavisor/pantavisor.log`;

scenario(
  "secureboot",
  {
    summary: "a step is verified before it is run: its signatures, its objects, its documents",
    containers: [defineContainer({ name: APP, args: { PV_RESTART_POLICY: "container" } })],
    boot: "auto",
    until: "ready",
    timeScale: 100,
  },
  ({ check }) => {
    check(
      "life.secureboot",
      "in strict mode a step runs that is signed as a whole by a key that is trusted, and no other",
      async ({ appengine, control, signal }) => {
        const factory = await currentState(control, signal);
        const first = signed({ ...factory, [`${APP}/note.json`]: { version: 1 } });
        await install(control, "locals/unsigned", factory, signal);
        await install(control, "locals/signed", first, signal);
        await trust(appengine, "authority", "ca-certificates");
        await appengine.text("echo PV_SECUREBOOT_MODE=strict >>/etc/pantavisor-appengine.config");
        await command(control, "LOCAL_RUN_COMMIT", "locals/signed", signal);
        await progress(control, "locals/signed", "DONE", signal);

        const body = { op: "LOCAL_RUN", payload: "locals/unsigned" };
        expect(
          await send(control, "POST", "/commands", body, signal),
          "reply to running a step without signatures",
        ).toEqual([422, "State not fully covered by signatures"]);
        const put = (state: State) => send(control, "PUT", "/steps/locals/next", state, signal);
        expect(
          await put({ ...first, "more.json": {} }),
          "reply to a step with a document that nobody signed",
        ).toEqual([422, "Secureboot: State not fully covered by signatures"]);
        expect(
          await put({ ...first, [`${APP}/note.json`]: { version: 2 } }),
          "reply to a step that was changed after it was signed",
        ).toEqual([422, "Secureboot: Signature validation failed"]);
        expect(
          await put(signed(factory, "foreign")),
          "reply to a step that a stranger has signed",
        ).toEqual([422, "Secureboot: Signature validation failed"]);

        await install(
          control,
          "locals/second",
          signed({ ...factory, [`${APP}/note.json`]: { version: 2 } }),
          signal,
        );
        await command(control, "LOCAL_RUN", "locals/second", signal);
        // Another signature is a change in no container, so it takes a reboot.
        await progress(control, "locals/second", "DONE", signal);
      },
      { timeout: 60_000 },
    );

    check(
      "life.secureboot.oem",
      "an OEM's signature covers nothing of the BSP",
      async ({ bootAppengine, signal }) => {
        const { appengine, control } = await bootAppengine({
          env: { PV_SECUREBOOT_MODE: "lenient", PV_OEM_NAME: "pvh-oem" },
        });
        await trust(appengine, "oem-authority", "ca-oem-certificates");
        const state = { ...(await currentState(control, signal)), "bsp/run.json": {} };
        const application = Object.keys(state).filter((key) => key.startsWith(`${APP}/`));
        const put = (name: string, keys: string[], exclude: string[] = []) => {
          const next = signed(state, "oem", keys, exclude);
          return send(control, "PUT", `/steps/locals/${name}`, next, signal);
        };
        const [accepted] = await put("application", application);
        expect(accepted, "reply to an application that the OEM has signed").toBe(200);
        for (const [does, keys, exclude] of [
          ["signs", [...application, "bsp/run.json"], []],
          ["leaves out", application, ["bsp/**"]],
        ] as const) {
          expect(
            await put("bsp", [...keys], [...exclude]),
            `reply to a step whose BSP the OEM's signature ${does}`,
          ).toEqual([422, "Secureboot: Signature validation failed"]);
        }
      },
    );

    check(
      "life.secureboot.audit",
      "in audit mode a step runs whose signature does not fit, or that has none, and the log says so",
      async ({ bootAppengine, signal }) => {
        const { appengine, control } = await bootAppengine({
          env: { PV_SECUREBOOT_MODE: "audit" },
        });
        await trust(appengine, "authority", "ca-certificates");
        const factory = await currentState(control, signal);
        const sign = (signer: string) => signed({ ...factory, "note.json": {} }, signer);
        // A part of no container takes a reboot, so DONE says that the boot took it, too.
        for (const [name, state, complaint] of [
          [
            "unsigned",
            { ...factory, "note.json": {} },
            "note.json is not covered by any signature",
          ],
          [
            "changed",
            { ...sign("signer"), "note.json": { version: 2 } },
            "it does not fit what it signs",
          ],
          ["foreign", sign("foreign"), "signature _sigs/all.json is not valid: "],
        ] as const) {
          await install(control, `locals/${name}`, state, signal);
          await command(control, "LOCAL_RUN", `locals/${name}`, signal);
          await progress(control, `locals/${name}`, "DONE", signal);
          expect(await appengine.text(`cat ${LOG}`), `log of the step that is ${name}`).toContain(
            complaint,
          );
        }
      },
      { timeout: 60_000 },
    );

    check(
      "life.integrity",
      "a revision whose files are not what its state says is not run",
      async ({ bootAppengine, signal }) => {
        const { appengine, control } = await bootAppengine();
        expect(
          (await appengine.text(`sed -n "/validati/p" ${LOG}`)).replaceAll(
            /.*\]: \(\S+ |[0-9a-f]{64}/g,
            "",
          ),
          "what was verified when revision 0 began",
        ).toContain(
          `validating checksum for ${STORAGE}/objects/ and ${STORAGE}/trails/0/${APP}/root.squashfs\n`,
        );
        const factory = await currentState(control, signal);
        const next = { ...factory, [`${APP}/note.json`]: { version: 1 } };
        for (const [file, reason] of [
          ["lxc.container.conf", "has another checksum"],
          ["note.json", "has another value"],
        ]) {
          await install(control, `locals/${file}`, next, signal);
          await damage(appengine, `${STORAGE}/trails/locals/${file}/${APP}/${file}`);
          const body = { op: "LOCAL_RUN", payload: `locals/${file}` };
          const why = `Object validation went wrong: ${APP}/${file} ${reason}`;
          expect(
            await send(control, "POST", "/commands", body, signal),
            `reply to running a step whose ${file} was changed`,
          ).toEqual([422, why]);
          expect(
            await control.json(`/steps/locals/${file}/progress`, signal),
            `progress of the step whose ${file} was changed`,
          ).toMatchObject({ status: "WONTGO", "status-msg": why });
        }

        await install(control, "locals/rotting", next, signal);
        await command(control, "LOCAL_RUN", "locals/rotting", signal);
        await progress(control, "locals/rotting", "UPDATED", signal);
        await damage(appengine, `${STORAGE}/trails/locals/rotting/${APP}/note.json`);
        await command(control, "REBOOT_DEVICE", "", signal);
        await progress(control, "locals/rotting", "ERROR", signal);
        await rolledBack(control, "0", signal);
      },
      { timeout: 60_000 },
    );

    check(
      "life.integrity.verity",
      "a volume with a dm-verity description is verified too, for the appengine has no handler for it",
      async ({ bootAppengine, signal }) => {
        const { appengine, control } = await bootAppengine();
        const description = { type: "dm-verity", data_device: "root.squashfs" };
        const state = await currentState(control, signal);
        const next = { ...state, [`${APP}/_dm/root.squashfs.json`]: description };
        await install(control, "locals/verity", next, signal);
        await damage(appengine, `${STORAGE}/trails/locals/verity/${APP}/root.squashfs`);
        const body = { op: "LOCAL_RUN", payload: "locals/verity" };
        expect(
          await send(control, "POST", "/commands", body, signal),
          "reply to running a step whose volume was changed",
        ).toEqual([422, `Object validation went wrong: ${APP}/root.squashfs has another checksum`]);
      },
    );

    check(
      "life.integrity.busy",
      "pv-ctrl answers while a large object is verified, and only then the revision runs",
      async ({ bootAppengine, signal }) => {
        const { appengine, control } = await bootAppengine();
        const sha256 = await putLargeObject(appengine);
        const state = await currentState(control, signal);
        await install(control, "locals/large", { ...state, [`${APP}/large.img`]: sha256 }, signal);
        const run = command(control, "LOCAL_RUN", "locals/large", signal);
        const replies = await repliesUntil(run, control, signal);
        // Without turns the request that came before the command is answered, or the one after it.
        expect(replies, "replies of pv-ctrl before the revision was verified").toBeGreaterThan(4);
        await progress(control, "locals/large", "UPDATED", signal);
      },
      { timeout: 60_000 },
    );
  },
);

/** A state under one signature, of all its keys or of these. */
function signed(
  state: State,
  signer = "signer",
  keys = Object.keys(state).filter((key) => !key.startsWith("_sigs/")),
  exclude: readonly string[] = [],
): State {
  const [key = "", certificate = ""] = ["key", "crt"].map((type) =>
    readFileSync(join(KEYS, `${signer}.${type}`), "utf8"),
  );
  return signState(state, keys, { part: "all", include: keys, exclude, key, certificate });
}

/** Make a certificate of fixtures/secureboot one of the appengine's authorities. */
async function trust(appengine: Appengine, authority: string, store: string): Promise<void> {
  const certificate = shellQuote(readFileSync(join(KEYS, `${authority}.crt`), "utf8"));
  await appengine.text(`mkdir -p ${TRUST}; printf %s ${certificate} >${TRUST}/${store}.crt`);
}

/** Change a file that may be a hard link to an object, which stays as it is. */
async function damage(appengine: Appengine, path: string): Promise<void> {
  await appengine.text(`cp ${path} ${path}.new && echo x >>${path}.new && mv ${path}.new ${path}`);
}

/** An object of 256 MiB without a block on disk; gives its name. */
async function putLargeObject(appengine: Appengine): Promise<string> {
  const line = await appengine.text("truncate -s 256M /tmp/large && sha256sum /tmp/large");
  const sha256 = line.slice(0, 64);
  await appengine.text(`cp --sparse=always /tmp/large ${STORAGE}/objects/${sha256}`);
  return sha256;
}

/** How many requests pv-ctrl answers one after the other before it answers another. */
async function repliesUntil(
  other: Promise<void>,
  control: ControlClient,
  signal: AbortSignal,
): Promise<number> {
  const over = other.then(() => "over");
  for (let count = 0; ; count += 1) {
    const next = control.json("/daemons", signal);
    if ((await Promise.race([over, next])) === "over") {
      await next;
      return count;
    }
  }
}
