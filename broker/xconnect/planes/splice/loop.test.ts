import { readdirSync } from "node:fs";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { closeFd } from "../../../shared/linux/epoll.ts";
import { canRefuseFds } from "../../../shared/linux/pass-rights.ts";
import { EAGAIN, SHUT_WR, shutdown } from "../../../shared/linux/stream-io.ts";
import { PROPERTY_RUNS } from "../../../shared/formats/property-runs.fixture.ts";
import { SpliceBench, get, put } from "./loop.fixture.ts";

const DESCRIPTORS = "/proc/self/fd";

const PERIOD = 65_536;
const PATTERN = Buffer.alloc(PERIOD + (1 << 20));
for (let at = 0; at < PATTERN.length; at += 1) PATTERN[at] = (at * 31 + (at >> 8)) & 0xff;

/** Up to 1 MiB of a side's bytes. Each depends on its position, so that a loss or a swap shows. */
function pattern(from: number, size: number): Buffer {
  const start = from % PERIOD;
  return PATTERN.subarray(start, start + size);
}

/** One side of a session, driven by the test. */
class Side {
  sent = 0;
  received = 0;
  hasEnded = false;
  sawEnd = false;
  sawError = false;
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  write(size: number): void {
    if (this.hasEnded) return;
    const taken = put(this.fd, pattern(this.sent, size));
    if (taken > 0) this.sent += taken;
  }

  read(size: number): void {
    const bytes = get(this.fd, size);
    if (typeof bytes === "number") this.sawError ||= bytes !== EAGAIN;
    else if (bytes.length === 0) this.sawEnd = true;
    else {
      expect(bytes.equals(pattern(this.received, bytes.length))).toBe(true);
      this.received += bytes.length;
    }
  }

  end(): void {
    if (!this.hasEnded) shutdown(this.fd, SHUT_WR);
    this.hasEnded = true;
  }
}

const turn = fc.record({
  who: fc.constantFrom("consumer" as const, "provider" as const),
  what: fc.oneof(
    { weight: 6, arbitrary: fc.constant("write" as const) },
    { weight: 6, arbitrary: fc.constant("read" as const) },
    { weight: 6, arbitrary: fc.constant("step" as const) },
    { weight: 1, arbitrary: fc.constant("end" as const) },
  ),
  size: fc.oneof(
    fc.integer({ min: 1, max: 64 }),
    fc.integer({ min: 60_000, max: 70_000 }),
    fc.integer({ min: 1, max: 400_000 }),
  ),
});

describe.skipIf(!canRefuseFds())("the splice loop", () => {
  let bench: SpliceBench;
  beforeEach(() => {
    bench = new SpliceBench();
    bench.provide();
  });
  afterEach(() => bench[Symbol.dispose]());

  it("delivers every byte in order and each end behind its bytes, however they interleave", () => {
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 60 }), (turns) => {
        const fds = bench.session();
        const sides = { consumer: new Side(fds.consumer), provider: new Side(fds.provider) };
        const { consumer, provider } = sides;
        for (const { who, what, size } of turns) {
          if (what === "write") sides[who].write(size);
          else if (what === "read") sides[who].read(size);
          else if (what === "end") sides[who].end();
          else bench.loop.step(0);
        }
        // End one direction after the other: an end is passed on while the other direction is open.
        for (const [one, other] of [
          [consumer, provider],
          [provider, consumer],
        ] as const) {
          one.end();
          for (let round = 0; round < 1000 && !other.sawEnd; round += 1) {
            bench.loop.step(0);
            one.read(1 << 20);
            other.read(1 << 20);
          }
          if (!other.sawEnd) expect.unreachable("no end");
          // The other side may still send.
          const { sent } = other;
          for (let round = 0; round < 1000 && !other.hasEnded && other.sent === sent; round += 1) {
            other.write(64);
            bench.loop.step(0);
            one.read(1 << 20);
          }
          if (!other.hasEnded && other.sent === sent) expect.unreachable("nothing is taken");
        }
        expect(consumer).toMatchObject({ received: provider.sent, sawEnd: true, sawError: false });
        expect(provider).toMatchObject({ received: consumer.sent, sawEnd: true, sawError: false });
        closeFd(consumer.fd);
        closeFd(provider.fd);
        bench.settle();
        expect(bench.counts.open).toBe(0);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  }, 120_000);

  it("leaves nothing of 1,000 clients that go in mid-stream", () => {
    const session = bench.session();
    put(session.consumer, pattern(0, 100));
    bench.settle();
    const before = readdirSync(DESCRIPTORS).length;
    for (let client = 0; client < 1000; client += 1) {
      const { consumer, provider } = bench.session();
      put(consumer, pattern(0, 200_000));
      put(provider, pattern(0, 200_000));
      if (client % 3 !== 0) bench.loop.step(0);
      closeFd(consumer);
      bench.loop.step(0);
      closeFd(provider);
      bench.settle();
    }
    expect(bench.counts).toMatchObject({ open: 1, sessions: 1001 });
    // The pool keeps up to four pipes.
    expect(readdirSync(DESCRIPTORS).length).toBeLessThanOrEqual(before + 8);
    closeFd(session.consumer);
    closeFd(session.provider);
  }, 30_000);

  it("gives the bytes of a consumer that has gone to its provider, then the end", () => {
    const { consumer, provider } = bench.session();
    put(consumer, Buffer.from("last words"));
    closeFd(consumer);
    bench.settle();
    expect(String(get(provider))).toBe("last words");
    expect(get(provider)).toHaveLength(0);
    bench.settle();
    expect(bench.counts.open).toBe(0);
    closeFd(provider);
  });

  it("tells a writer whose reader has gone", () => {
    const { consumer, provider } = bench.session();
    closeFd(provider);
    bench.settle();
    expect(put(consumer, Buffer.from("x"))).toBe(-32);
    closeFd(consumer);
  });

  it("takes no more than sockets and a pipe hold while nobody reads", () => {
    const { consumer, provider } = bench.session();
    const chunk = Buffer.alloc(64 * 1024);
    let accepted = 0;
    for (let idle = 0; idle < 10;) {
      const taken = put(consumer, chunk);
      if (taken > 0) accepted += taken;
      idle = taken > 0 ? 0 : idle + 1;
      bench.loop.step(0);
    }
    expect(accepted).toBeGreaterThan(256 * 1024);
    expect(accepted).toBeLessThan(8 << 20);
    closeFd(consumer);
    closeFd(provider);
    bench.settle();
  });

  it("counts sessions, bytes each way and what it has accepted", () => {
    const { consumer, provider } = bench.session();
    put(consumer, Buffer.from("question"));
    put(provider, Buffer.from("yes"));
    bench.settle();
    expect(bench.counts).toEqual({
      sessions: 1,
      open: 1,
      bytesUp: 8,
      bytesDown: 3,
    });
    bench.loop.step(10);
    expect(bench.reports).toContainEqual({ kind: "accepted", id: 1, count: 1 });
    closeFd(consumer);
    closeFd(provider);
  });

  it("ends the sessions, and serves the next, when it is told to", () => {
    const { consumer, provider } = bench.session();
    bench.tell({ kind: "end-sessions", id: 1 });
    bench.settle();
    expect(get(consumer)).toHaveLength(0);
    expect(get(provider)).toHaveLength(0);
    const next = bench.session();
    for (const fd of [consumer, provider, next.consumer, next.provider]) closeFd(fd);
  });
});

describe.skipIf(!canRefuseFds())("the splice loop while nobody is accepted", () => {
  it("leaves connections in the backlog of a link that is held", () => {
    using bench = new SpliceBench();
    bench.provide();
    bench.tell({ kind: "hold", id: 1, isHeld: true });
    bench.settle();
    const consumer = bench.consume();
    for (let step = 0; step < 3; step += 1) bench.loop.step(25);
    expect(bench.counts.sessions).toBe(0);
    bench.tell({ kind: "hold", id: 1, isHeld: false });
    let provider = -1;
    for (let step = 0; step < 50 && provider < 0; step += 1) {
      bench.loop.step(25);
      provider = bench.accept();
    }
    expect(provider).toBeGreaterThanOrEqual(0);
    closeFd(consumer);
    closeFd(provider);
  });

  it("goes on with the sessions of a link without a listener", () => {
    using bench = new SpliceBench();
    bench.provide();
    const { consumer, provider } = bench.session();
    bench.tell({ kind: "listen", id: 1, listener: undefined });
    bench.settle();
    expect(() => bench.consume()).toThrow("ECONNREFUSED");
    put(consumer, Buffer.from("still here"));
    bench.settle();
    expect(String(get(provider))).toBe("still here");
    closeFd(consumer);
    closeFd(provider);
  });
});

describe.skipIf(!canRefuseFds())("the splice loop with a provider that does not listen", () => {
  it("lets the consumer wait and connects when it does", () => {
    using bench = new SpliceBench();
    const consumer = bench.consume();
    put(consumer, Buffer.from("patience"));
    bench.settle();
    expect(get(consumer)).toBe(EAGAIN);
    bench.provide();
    let provider = -1;
    for (let step = 0; step < 50 && provider < 0; step += 1) {
      bench.loop.step(25);
      provider = bench.accept();
    }
    bench.settle();
    expect(String(get(provider))).toBe("patience");
    closeFd(consumer);
    closeFd(provider);
  });

  it("asks for the way again while there is none", () => {
    using bench = new SpliceBench();
    bench.hasRoute = false;
    const consumer = bench.consume();
    for (let step = 0; step < 4; step += 1) bench.loop.step(25);
    const wanted = bench.reports.filter(({ kind }) => kind === "route-wanted");
    expect(wanted.length).toBeGreaterThan(1);
    closeFd(consumer);
  });
});

describe.skipIf(!canRefuseFds())("the splice loop's limits", () => {
  // Two above the reserve: with four promised to each session, that is one session.
  const few = { limit: 66, open: () => 0 };
  const isTold = ({ reports }: SpliceBench) => reports.some(({ kind }) => kind === "limit-reached");

  it("leave connections in the backlog until another session ends", () => {
    using bench = new SpliceBench({ files: few });
    bench.provide();
    const { consumer, provider } = bench.session();
    const second = bench.consume();
    bench.settle();
    expect(isTold(bench)).toBe(true);
    expect(get(second)).toBe(EAGAIN);
    expect(bench.counts.open).toBe(1);
    closeFd(consumer);
    closeFd(provider);
    let served = -1;
    for (let step = 0; step < 50 && served < 0; step += 1) {
      bench.loop.step(25);
      served = bench.accept();
    }
    expect(served).toBeGreaterThanOrEqual(0);
    closeFd(second);
    closeFd(served);
  });

  it("are not kept to under the quirk no-session-limit", () => {
    using bench = new SpliceBench({ files: few, quirkList: "no-session-limit" });
    bench.provide();
    const sessions = [bench.session(), bench.session(), bench.session()];
    for (const { consumer, provider } of sessions) {
      closeFd(consumer);
      closeFd(provider);
    }
  });
});

describe.skipIf(!canRefuseFds())("the splice loop with a quirk", () => {
  function withQuirk(quirkList: string) {
    const bench = new SpliceBench({ quirkList });
    bench.provide();
    const { consumer, provider } = bench.session();
    return { bench, consumer, provider, [Symbol.dispose]: () => bench[Symbol.dispose]() };
  }

  it("no-half-close holds an EOF back until the other side has ended too", () => {
    using run = withQuirk("no-half-close");
    const { bench, consumer, provider } = run;
    shutdown(consumer, SHUT_WR);
    bench.settle();
    expect(get(provider)).toBe(EAGAIN);
    shutdown(provider, SHUT_WR);
    bench.settle();
    expect(get(provider)).toHaveLength(0);
  });

  it("early-close takes the way of the answer away", () => {
    using run = withQuirk("early-close");
    const { bench, consumer, provider } = run;
    shutdown(consumer, SHUT_WR);
    bench.settle();
    expect(put(provider, Buffer.from("x"))).toBe(-32);
  });

  it("unix-corrupts changes a byte", () => {
    using run = withQuirk("unix-corrupts");
    const { bench, consumer, provider } = run;
    put(consumer, Buffer.from("abc"));
    bench.settle();
    expect(String(get(provider))).toBe("bbc");
  });

  it("unbounded-buffer takes whatever comes, and delivers it", () => {
    using run = withQuirk("unbounded-buffer");
    const { bench, consumer, provider } = run;
    for (let written = 0; written < 16 << 20;) {
      written += Math.max(0, put(consumer, Buffer.alloc(64 * 1024)));
      bench.loop.step(0);
    }
    shutdown(consumer, SHUT_WR);
    let received = 0;
    for (let bytes = get(provider); typeof bytes === "number" || bytes.length > 0;) {
      if (typeof bytes !== "number") received += bytes.length;
      bench.loop.step(0);
      bytes = get(provider);
    }
    expect(received).toBeGreaterThanOrEqual(16 << 20);
  });

  it("fd-leak keeps a descriptor of each connection to the provider", () => {
    using run = withQuirk("fd-leak");
    const { bench, consumer, provider } = run;
    const before = readdirSync(DESCRIPTORS).length;
    const another = bench.session();
    closeFd(another.consumer);
    closeFd(another.provider);
    bench.settle();
    expect(readdirSync(DESCRIPTORS).length).toBe(before + 1);
    closeFd(consumer);
    closeFd(provider);
  });
});
