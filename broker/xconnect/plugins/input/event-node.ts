import type { FileFacts } from "../../peers/file-facts.ts";
import { LinkRefused } from "../plugin.ts";
import type { Link } from "../plugin.ts";

/** Character major of input devices (Linux, admin-guide/devices.txt). */
const INPUT_MAJOR = 13;
/** First minor of event nodes. Those below are joysticks and mice, which speak other protocols. */
const FIRST_EVENT_MINOR = 64;

/** @throws LinkRefused for what is no event node: other devices act when they are opened or read */
export function checkEventNode(
  { provider, socket }: Pick<Link, "provider" | "socket">,
  { isCharacterDevice, major, minor }: FileFacts,
): void {
  const refuse = (why: string) => new LinkRefused(`${socket} of ${provider}: ${why}`);
  if (!isCharacterDevice) throw refuse("it is not a character device");
  if (major !== INPUT_MAJOR || minor < FIRST_EVENT_MINOR) {
    throw refuse(`device ${major}:${minor} is not an input event device`);
  }
}
