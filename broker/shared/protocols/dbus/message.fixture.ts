import fc from "fast-check";
import type { MessageParts } from "./write-message.ts";
import { stringArray, strings } from "./write-message.ts";

/** Generators of valid parts of messages, for property tests. */
const element = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/);
export const interfaceName = fc
  .array(element, { minLength: 2, maxLength: 4 })
  .map((elements) => elements.join("."));
export const uniqueName = fc.nat(99).map((number) => `:1.${number}`);
export const objectPath = fc
  .array(element, { maxLength: 4 })
  .map((elements) => `/${elements.join("/")}`);
const serial = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const body = fc.oneof(
  fc.array(fc.string(), { maxLength: 3 }).map((texts) => strings(...texts.map(withoutNul))),
  fc.array(fc.string(), { maxLength: 3 }).map((texts) => stringArray(texts.map(withoutNul))),
);
const common = {
  serial,
  flags: fc.nat(7),
  destination: fc.oneof(interfaceName, uniqueName),
  sender: uniqueName,
  body,
};

export const messageParts: fc.Arbitrary<MessageParts> = fc.oneof(
  fc.record({
    ...common,
    type: fc.constantFrom(1, 4),
    path: objectPath,
    interface: interfaceName,
    member: element,
  }),
  fc.record({ ...common, type: fc.constant(2), replySerial: serial }),
  fc.record({ ...common, type: fc.constant(3), replySerial: serial, errorName: interfaceName }),
);

function withoutNul(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
}
