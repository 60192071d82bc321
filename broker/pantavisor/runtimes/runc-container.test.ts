import { expect, it } from "vitest";
import { rootLayers } from "./runc-container.ts";

const WRITABLE = "upperdir=/volumes/c/lxc-overlay/upper,workdir=/volumes/c/lxc-overlay/work";

it("the files of the state lie over the image and below what the container writes", () => {
  expect(rootLayers("/volumes/c", "dm:root.squashfs", "/configs/c")).toBe(
    `lowerdir=/configs/c:/volumes/c/root.squashfs,${WRITABLE}`,
  );
});

it("the image alone lies below what the container writes when the state has no files for it", () => {
  expect(rootLayers("/volumes/c", "root.squashfs")).toBe(
    `lowerdir=/volumes/c/root.squashfs,${WRITABLE}`,
  );
});
