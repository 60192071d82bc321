import { createHash } from "node:crypto";

/** Devices in a band, and nodes that pv-appengine makes. */
const [BAND, NODES] = [64, 1_024];

/**
 * First of the loop devices that an appengine is told to use (PV_LOOP_INDEX_BASE); two appengines may get the same.
 * Without a band 029-32 asks the kernel for a free device and then takes it: where another appengine on the machine
 * is quicker, the mount fails with EBUSY, and a container that does not start takes the system down. The first band
 * is left to programs that ask the kernel.
 */
export function loopBandOf(name: string): number {
  const hash = createHash("sha256").update(name).digest().readUInt32BE();
  return BAND * (1 + (hash % (NODES / BAND - 1)));
}
