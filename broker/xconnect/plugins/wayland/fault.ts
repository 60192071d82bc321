import { INVALID_METHOD } from "../../../shared/protocols/wayland/display-error.ts";

const WL_DISPLAY = 1;

/** An act of a peer that ends its session. The text is for the log and for the consumer. */
export class Fault extends Error {
  override readonly name = "Fault";
  /** Code of wl_display.error. */
  readonly code: number;
  /** Id of the object that the consumer is told. */
  readonly object: number;

  constructor(what: string, code = INVALID_METHOD, object = WL_DISPLAY) {
    super(what);
    this.code = code;
    this.object = object;
  }
}
