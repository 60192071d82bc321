import { closeFd } from "../../../shared/linux/epoll.ts";
import { PolledStream } from "../../../shared/linux/polled-stream.ts";
import type { StreamOwner } from "../../../shared/linux/polled-stream.ts";
import { letPromisesRun } from "../../../shared/linux/stream-loop.ts";
import { messageOf } from "../../../shared/message-of.ts";
import {
  saslAuthReply,
  saslClientBegin,
  saslClientNegotiate,
  saslClientStart,
  saslFdsAgreed,
} from "../../../shared/protocols/sasl/client.ts";
import { AuthReplyReader, BusConnection } from "./bus.ts";
import type { BusReply } from "./bus.ts";
import { notTaken } from "./claim.ts";
import type { ConsumerConnection, Credentials, Link, Toolbox } from "../plugin.ts";

/** A connection to the provider's bus, to which `preamble` and then messages have to be sent. */
export interface ProviderWay {
  readonly provider: PolledStream;
  /** Credentials that the provider sees. */
  readonly credentials: Credentials;
  readonly preamble: Buffer;
  /** Reader of the reply to AUTH, which precedes the messages; undefined when it has come. */
  readonly authReply: AuthReplyReader | undefined;
}

/** Callbacks to the owner of a DbusProvider. */
export interface ProviderOwner {
  /** Run the owner's reaction to an event, and deal with errors in it. */
  attempt(work: () => void): void;
  /** There will be no session. */
  refuse(reason: string): void;
}

/**
 * The way of one consumer to its provider's bus, connected as the consumer's role: authenticated
 * ahead of the consumer's BEGIN, or with its first message. Each request ends in a call of its
 * callback or of the owner's `refuse`, at once or, while `isWaiting`, later.
 */
export class DbusProvider {
  readonly #link: Link;
  readonly #tools: Toolbox;
  readonly #connection: ConsumerConnection;
  readonly #owner: ProviderOwner;
  /** Connection that was authenticated ahead of the first message. */
  #bus: BusConnection | undefined;
  #isWaiting = false;
  #isOver = false;

  constructor(link: Link, tools: Toolbox, connection: ConsumerConnection, owner: ProviderOwner) {
    this.#link = link;
    this.#tools = tools;
    this.#connection = connection;
    this.#owner = owner;
  }

  /** True while a reply of the provider has to come before the consumer's next line is read. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Guid of the link's bus, once a connection of any consumer has been told it. */
  get guid(): string | undefined {
    return guids.get(this.#link);
  }

  /**
   * Connect and authenticate before BEGIN.
   * @param opened called with the guid; it has to reply to the consumer or end the attempt
   * @param rejected called before the owner's `refuse`
   */
  open(credentials: Credentials, opened: (guid: string) => void, rejected?: () => void): void {
    const refuse = (reason: string) => {
      rejected?.();
      this.#refuse(credentials, reason);
    };
    const connected = (fd: number) => {
      const bus = new BusConnection(fd);
      this.#bus = bus;
      this.#ask(bus, saslClientStart(credentials.uid), (line) => {
        const reply = line.type === "line" ? saslAuthReply(line.text) : line;
        if (reply.type !== "accepted") {
          refuse(reply.reason);
          return;
        }
        guids.set(this.#link, reply.guid);
        opened(reply.guid);
      });
    };
    this.#dial(credentials, connected, refuse);
  }

  /**
   * Ask whether fds may pass, connecting first where that has not been done.
   * @param onReply called with the provider's reply, as `opened` is
   */
  negotiateFds(credentials: Credentials, onReply: (agreed: boolean) => void): void {
    const bus = this.#bus;
    if (bus === undefined) {
      this.open(credentials, () => this.negotiateFds(credentials, onReply));
      return;
    }
    this.#ask(bus, saslClientNegotiate, (reply) => {
      if (reply.type === "failed") this.#refuse(credentials, reply.reason);
      else onReply(reply.text === saslFdsAgreed);
    });
  }

  /** True when there is a connection already, so that `begin` makes none. */
  get isOpen(): boolean {
    return this.#bus !== undefined;
  }

  /** @param begun called with the way, whose stream it owns */
  begin(credentials: Credentials, begun: (way: ProviderWay) => void): void {
    if (this.#bus !== undefined) {
      const provider = this.#bus.stream;
      begun({ provider, credentials, preamble: saslClientBegin, authReply: undefined });
      return;
    }
    const connected = (fd: number) => {
      const provider = new PolledStream(fd, unheard);
      const authReply = new AuthReplyReader((guid) => guids.set(this.#link, guid));
      begun({ provider, credentials, preamble: preambleOf(credentials), authReply });
    };
    this.#dial(credentials, connected, (reason) => this.#refuse(credentials, reason));
  }

  /** Drop the connection, since another attempt begins. */
  close(): void {
    this.#bus?.stream.close();
    this.#bus = undefined;
  }

  /** Call no callbacks any more. */
  abandon(): void {
    this.#isOver = true;
  }

  #refuse(credentials: Credentials, reason: string): void {
    this.#owner.refuse(notTaken(this.#link, credentials, reason));
  }

  /**
   * Connect to the provider's bus as `credentials` in the kernel.
   * @param connected called with the descriptor, which it owns
   */
  #dial(
    credentials: Credentials,
    connected: (fd: number) => void,
    refuse: (reason: string) => void,
  ): void {
    let dialled: number | Promise<number>;
    try {
      const connection = this.#connection;
      dialled = this.#tools.dialProvider(this.#link, {
        credentials,
        get signal() {
          return connection.signal;
        },
      });
    } catch (error) {
      refuse(messageOf(error));
      return;
    }
    if (typeof dialled === "number") connected(dialled);
    else this.#wait(dialled, connected, refuse);
  }

  /** Wait for a provider that cannot be reached yet. */
  #wait(
    dialled: Promise<number>,
    connected: (fd: number) => void,
    refuse: (reason: string) => void,
  ): void {
    this.#isWaiting = true;
    letPromisesRun();
    dialled.then(
      (fd) => {
        if (this.#isOver) closeFd(fd);
        else this.#owner.attempt(() => connected(fd));
      },
      (error: unknown) => {
        if (!this.#isOver) this.#owner.attempt(() => refuse(messageOf(error)));
      },
    );
  }

  #ask(bus: BusConnection, question: Buffer, onReply: (reply: BusReply) => void): void {
    this.#isWaiting = true;
    bus.ask(question, (reply) => {
      this.#owner.attempt(() => {
        this.#isWaiting = false;
        onReply(reply);
      });
    });
  }
}

/**
 * Guid that the link's bus last gave. A bus that is restarted in the same container has a new one;
 * consumers that were still told the old one are served all the same.
 */
const guids = new WeakMap<Link, string>();

/** AUTH and BEGIN in one piece, by the credentials in them. */
const preambles = new WeakMap<Credentials, Buffer>();

function preambleOf(credentials: Credentials): Buffer {
  let preamble = preambles.get(credentials);
  if (preamble === undefined) {
    preamble = Buffer.concat([saslClientStart(credentials.uid), saslClientBegin]);
    preambles.set(credentials, preamble);
  }
  return preamble;
}

/** Owner of a stream until the session takes it over, within the same event. */
const unheard: StreamOwner = {
  onReadable: () => undefined,
  onDrained: () => undefined,
  onGone: () => undefined,
};
