import type { RequestHead } from "../../../shared/protocols/http1/request-head.ts";
import type { Link, Toolbox } from "../plugin.ts";
import { LOGGED_REFUSALS } from "./limits.ts";
import type { RestRefusal } from "./judge-request.ts";

/** Reports a session to the log and to the link's counters. */
export class RestReport {
  readonly #link: Link;
  readonly #tools: Toolbox;
  #refusals = 0;

  constructor(link: Link, tools: Toolbox) {
    this.#link = link;
    this.#tools = tools;
  }

  request(): void {
    this.#tools.count(this.#link, "requests");
  }

  /** A request has been judged; `refusal` says why it does not pass. */
  judged({ method, target }: RequestHead, refusal?: RestRefusal): void {
    const fate = refusal === undefined ? "pass" : `refuse ${refusal.refusal}, ${refusal.reason}`;
    this.#tools.decision?.(this.#link, `${fate}: ${method} ${target}`);
  }

  fromConsumer(bytes: number): void {
    this.#tools.count(this.#link, "bytesFromConsumer", bytes);
  }

  toConsumer(bytes: number): void {
    this.#tools.count(this.#link, "bytesToConsumer", bytes);
  }

  /** The broker has responded in the provider's place. */
  refused(status: number, reason: string): void {
    const { name, consumer } = this.#link;
    this.#reject(status);
    this.#refusals += 1;
    if (this.#refusals > LOGGED_REFUSALS) return;
    this.#tools.warn(
      `pvx-rest: Refused a request for service ${name} from ${consumer}: ${status} ${reason}`,
    );
  }

  noResponse(reason: string): void {
    const { name, provider } = this.#link;
    this.#reject(502);
    this.#tools.note(this.#link, `no response from ${provider}: ${reason}`);
    this.#tools.warn(`pvx-rest: No response for service ${name} from ${provider}: ${reason}`);
  }

  /** Something that should not happen has ended the session. */
  failed(error: unknown): void {
    this.#tools.note(this.#link, error);
    this.#tools.warn(`pvx-rest: ${this.#link.consumer}/${this.#link.name}: ${String(error)}`);
  }

  #reject(status: number): void {
    this.#tools.count(this.#link, "rejections");
    this.#tools.count(this.#link, `rejections.${status}`);
  }
}
