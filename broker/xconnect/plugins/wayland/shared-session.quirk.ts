import type { Fault } from "./fault.ts";
import { WaylandSession } from "./session.ts";
import type { SessionOptions, Side } from "./session.ts";

const open = new Set<SharedSession>();

/** A session that ends with every other one of the broker. */
export class SharedSession extends WaylandSession {
  constructor(consumer: number, compositor: number, options: SessionOptions) {
    super(consumer, compositor, options);
    open.add(this);
  }

  override async run(): Promise<undefined> {
    await super.run();
    open.delete(this);
  }

  protected override refuse(side: Side, fault: Fault): void {
    for (const session of open) if (session !== this) session.end();
    super.refuse(side, fault);
  }
}
