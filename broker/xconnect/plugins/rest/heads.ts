import type { Framing } from "../../../shared/protocols/http1/framing.ts";
import { staysOpen } from "../../../shared/protocols/http1/persistence.ts";
import { fieldsText, requestLineText } from "../../../shared/protocols/http1/request-head.ts";
import type { RequestHead } from "../../../shared/protocols/http1/request-head.ts";
import type { Quirks } from "../../../shared/quirks/quirks.ts";
import { expectsContinue, fieldsForProvider, offeredUpgrade } from "./identity.ts";
import type { RestIdentity } from "./identity.ts";

export interface RestHeadsOptions {
  readonly identity: RestIdentity;
  /** Protocols that the link allows to change to. */
  readonly upgrade: readonly string[];
  readonly quirks: Quirks;
}

/** Facts about the fields that the session has to know. */
interface FieldsMeaning {
  /** Protocols that the request offers to change to and the link allows. */
  readonly upgrade: readonly string[];
  /** True when the consumer expects the connection to close after the response. */
  readonly isLast: boolean;
  /** True when the body may wait for an interim response. */
  readonly expects: boolean;
}

export interface WrittenHead extends FieldsMeaning {
  /** Text of the head, one character per byte (latin1). */
  readonly text: string;
}

/** Result of rewriting one field section. */
interface Rewritten extends FieldsMeaning {
  readonly head: RequestHead;
  readonly framing: Framing;
  readonly isFirst: boolean;
  readonly text: string;
}

/**
 * Writes the heads of one connection's requests as the provider gets them. The rewritten fields
 * are kept and used again for as long as the parser says that the fields are the same.
 */
export class RestHeads {
  readonly #options: RestHeadsOptions;
  #isFirst = true;
  #last: Rewritten | undefined;

  constructor(options: RestHeadsOptions) {
    this.#options = options;
  }

  /** @param head with its target in origin form */
  write(head: RequestHead, framing: Framing): WrittenHead {
    const isFirst = this.#isFirst;
    const last = this.#last;
    const isSame =
      last?.head.fields === head.fields &&
      last.head.version === head.version &&
      last.framing === framing &&
      last.isFirst === isFirst;
    const { upgrade, isLast, expects, text } = isSame
      ? last
      : this.#rewrite(head, framing, isFirst);
    this.#isFirst = false;
    return { text: requestLineText(head) + text, upgrade, isLast, expects };
  }

  #rewrite(head: RequestHead, framing: Framing, isFirst: boolean): Rewritten {
    const { identity, quirks } = this.#options;
    const upgrade = offeredUpgrade(head, framing, this.#options.upgrade);
    const fields = fieldsForProvider(head, { framing, upgrade, identity, isFirst, quirks });
    const meaning = { upgrade, isLast: !staysOpen(head), expects: expectsContinue(head.fields) };
    return (this.#last = { head, framing, isFirst, ...meaning, text: fieldsText(fields) });
  }
}
