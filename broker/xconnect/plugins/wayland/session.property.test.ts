import { closeSync, fstatSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PROPERTY_RUNS } from "../../../shared/formats/property-runs.fixture.ts";
import type { MessageSocket } from "../../../shared/linux/message-socket.ts";
import { createMemfd } from "../../../shared/linux/sealed-memfd.ts";
import { socketPair } from "../../../shared/linux/socket-pair.fixture.ts";
import { encodeMessage as wire } from "../../../shared/protocols/wayland/encode-message.ts";
import { parseQuirks } from "../../../shared/quirks/quirks.ts";
import { openFds } from "../descriptors.fixture.ts";
import { Mediator } from "./mediator.ts";
import { WaylandSession } from "./session.ts";

/** Sessions that are open at once, since turns of the event loop are the main cost. */
const SESSIONS = 100;
const [SHM, SEAT, KEYBOARD, FIRST_FREE] = [3, 4, 5, 6];

/**
 * One exchange: the client makes a pool, or asks for a callback, and the compositor answers so
 * that the id is free again; or the compositor sends a keymap.
 */
const exchange = fc.record({
  kind: fc.constantFrom("pool", "callback", "keymap"),
  /** Fds that its message brings, one of which it needs; the others stay unclaimed. */
  fds: fc.oneof(
    { weight: 12, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.constantFrom(0, 2, 5, 66) },
  ),
  /** Whether they come with the message before it. */
  isEarly: fc.boolean(),
  /** Sizes of the pieces that its bytes are sent in. */
  cuts: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 6 }),
});
type Exchange = typeof exchange extends fc.Arbitrary<infer T> ? T : never;

let memfd = -1;
beforeAll(() => void (memfd = createMemfd("shared")));
afterAll(() => closeSync(memfd));

it("10,000 sessions with fds early, surplus and missing leave no fd and no object, both ways", async () => {
  const met = { faults: 0, clean: 0, reused: 0 };
  const opened = [new Conversation(), new Conversation()];
  await Promise.all(opened.map((one) => one.run([])));
  const baseline = openFds();
  const sessions = fc.array(fc.array(exchange, { maxLength: 6 }), {
    minLength: SESSIONS,
    maxLength: SESSIONS,
  });
  await fc.assert(
    fc.asyncProperty(sessions, async (all) => {
      const conversations = all.map(() => new Conversation());
      await Promise.all(conversations.map((one, index) => one.run(all[index] ?? [])));
      for (const one of conversations) {
        met[one.hasFault() ? "faults" : "clean"] += 1;
        met.reused += one.reused;
      }
      // Files share a process, and another one's fd may be closed meanwhile.
      expect(openFds()).toBeLessThanOrEqual(baseline);
    }),
    { numRuns: Math.ceil(PROPERTY_RUNS / SESSIONS) },
  );
  for (const [what, count] of Object.entries(met)) expect([what, count > 0]).toEqual([what, true]);
}, 240_000);

/** A session between a client and a compositor over real sockets. */
class Conversation {
  readonly #client: MessageSocket;
  readonly #compositor: MessageSocket;
  readonly #ended: Promise<undefined>;
  readonly #mediator = new Mediator(
    new Map([
      ["wl_shm", 1],
      ["wl_seat", 7],
    ]),
  );
  readonly #free: number[] = [];
  #lastId = FIRST_FREE - 1;
  /** Fds that are under way and that no message has claimed, by the socket that they were sent to. */
  readonly #ahead = new Map<MessageSocket, number>();
  #fault: string | undefined;
  reused = 0;

  constructor() {
    const [accepted, client] = socketPair("stream");
    const [dialled, compositor] = socketPair("stream");
    [this.#client, this.#compositor] = [client, compositor];
    const session = new WaylandSession(accepted.fd, dialled.fd, {
      mediator: this.#mediator,
      quirks: parseQuirks(undefined),
      connection: { onEnd: () => undefined },
      onBytes: () => undefined,
      onFault: (_side, { message }) => (this.#fault = message),
      onFailure: (error) => {
        throw error;
      },
    });
    this.#ended = session.run();
  }

  /** True once the session has refused a message. */
  hasFault(): boolean {
    return this.#fault !== undefined;
  }

  async run(exchanges: readonly Exchange[]): Promise<void> {
    const [client, compositor] = [this.#client, this.#compositor];
    await this.#pass(client, wire(1, 1, 2));
    const globals = [wire(2, 0, 1, "wl_shm", 1), wire(2, 0, 2, "wl_seat", 7)];
    await this.#pass(compositor, Buffer.concat(globals));
    const binds = [wire(2, 0, 1, "wl_shm", 1, SHM), wire(2, 0, 2, "wl_seat", 7, SEAT)];
    await this.#pass(client, Buffer.concat([...binds, wire(SEAT, 1, KEYBOARD)]));
    for (const one of exchanges) {
      if (!this.hasFault()) await this.#exchange(one);
    }
    if (!this.hasFault()) expect(this.#mediator.objects.live).toBe(KEYBOARD);
    client.close();
    compositor.close();
    await this.#ended;
  }

  async #exchange({ kind, fds, isEarly, cuts }: Exchange): Promise<void> {
    const [client, compositor] = [this.#client, this.#compositor];
    if (kind === "keymap") {
      if (isEarly) await this.#pass(compositor, wire(KEYBOARD, 5, 1, 1), fds);
      await this.#pass(compositor, wire(KEYBOARD, 0, 1, 64), isEarly ? 0 : fds, cuts, 1);
      return;
    }
    if (kind === "callback" || isEarly) await this.#callBack(cuts, isEarly ? fds : 0);
    if (kind === "callback") return;
    const pool = this.#takeId();
    await this.#pass(client, wire(SHM, 0, pool, 4096), isEarly ? 0 : fds, cuts, 1);
    await this.#pass(client, wire(pool, 1));
    await this.#release(pool);
  }

  async #callBack(cuts: readonly number[], fds: number): Promise<void> {
    const id = this.#takeId();
    await this.#pass(this.#client, wire(1, 0, id), fds, cuts);
    await this.#pass(this.#compositor, wire(id, 0, 7), 0, cuts);
    await this.#release(id);
  }

  #takeId(): number {
    const free = this.#free.shift();
    if (free !== undefined) this.reused += 1;
    return free ?? (this.#lastId += 1);
  }

  async #release(id: number): Promise<void> {
    await this.#pass(this.#compositor, wire(1, 1, id));
    this.#free.push(id);
  }

  /**
   * Send a message in pieces, its fds with the first, and wait until it has arrived at the other
   * side, with the fds that it claims, or until the session has ended.
   */
  async #pass(
    from: MessageSocket,
    bytes: Buffer,
    fds = 0,
    cuts: readonly number[] = [],
    claims = 0,
  ): Promise<void> {
    if (this.hasFault()) return;
    const to = from === this.#client ? this.#compositor : this.#client;
    const ahead = (this.#ahead.get(to) ?? 0) + fds;
    let at = 0;
    for (const size of [...cuts, bytes.length]) {
      const piece = bytes.subarray(at, at + size);
      if (piece.length > 0 && !this.hasFault()) {
        from.send(piece, { fds: at === 0 ? Array.from({ length: fds }, () => memfd) : [] });
        at += piece.length;
        if (at < bytes.length) await turn();
      }
    }
    const arrived = await this.#receive(to, bytes.length);
    const isRefused = ahead < claims || ahead - claims > 64;
    expect(this.hasFault()).toBe(isRefused);
    if (isRefused) return;
    expect([arrived.bytes.equals(bytes), arrived.fds]).toEqual([true, claims]);
    this.#ahead.set(to, ahead - claims);
  }

  async #receive(to: MessageSocket, count: number): Promise<{ bytes: Buffer; fds: number }> {
    let bytes: Buffer = Buffer.alloc(0);
    let fds = 0;
    while (bytes.length < count && !this.hasFault()) {
      const received = to.receive();
      if (received === undefined) await turn();
      else if (received.type === "end") break;
      else {
        bytes = Buffer.concat([bytes, received.bytes]);
        fds += received.fds.length;
        for (const fd of received.fds) {
          expect(fstatSync(fd).ino).toBe(fstatSync(memfd).ino);
          closeSync(fd);
        }
      }
    }
    return { bytes, fds };
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
