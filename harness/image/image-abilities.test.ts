import { expect, test } from "vitest";
import {
  abilitiesIn,
  describeAbilities,
  lacksContainerType,
  lacksHostedBus,
  lacksServiceType,
} from "./image-abilities.ts";

const SAID = `/usr/lib/pantavisor/pv_lxc.so
/usr/lib/pantavisor/pv_runc.so
pvx-unix
pvx-rest
pvx-unix
pvx-helper
`;

test("an image knows the types that its plugins are named by", () => {
  const abilities = abilitiesIn(SAID);
  expect(abilities).toEqual({
    containerTypes: ["lxc", "runc"],
    serviceTypes: ["unix", "rest"],
    hostsBus: false,
  });
  expect(lacksHostedBus(abilities)).toBe("this image's pantavisor is built without it");
  expect(lacksHostedBus(abilitiesIn(`${SAID}dbus-role-uids\n`))).toBeUndefined();
  expect(lacksContainerType(abilities, "runc")).toBeUndefined();
  expect(lacksContainerType(abilities, "wasm")).toBe(
    "this image knows no container type wasm (lxc, runc)",
  );
  expect(describeAbilities(abilities)).toBe(
    "types that the image knows, of containers: lxc, runc; of services: unix, rest",
  );
  expect(lacksServiceType(abilities, "rest")).toBeUndefined();
  expect(lacksServiceType(abilities, "input")).toBe(
    "this image's pv-xconnect knows no service type input (unix, rest)",
  );
});

test.each(["", "/opt/pv_wasm.so\npvx-input\n", "sh: find: not found\n"])(
  "an image of another make may know any type: %j",
  (said) => {
    const abilities = abilitiesIn(said);
    expect(abilities).toEqual({});
    expect(lacksContainerType(abilities, "wasm")).toBeUndefined();
    expect(lacksServiceType(abilities, "input")).toBeUndefined();
    expect(lacksHostedBus(abilities)).toBeUndefined();
  },
);
