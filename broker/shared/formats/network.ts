import * as z from "zod";

/** An IPv4 address as a number, so that addresses can be counted. */
export type Address = number;

const address = z
  .string()
  .refine((text) => toAddress(text) !== undefined, "must be an IPv4 address")
  .transform((text) => toAddress(text) ?? 0);
const deviceName = z.string().regex(/^[A-Za-z0-9][\w.-]{0,14}$/, "must be a name of an interface");

/** A template may write a key that has no value. */
function given<T extends z.ZodType>(schema: T) {
  return z.preprocess(
    (value) => (value === "" || value === null ? undefined : value),
    schema.optional(),
  );
}

/** `network` of run.json: how a container is connected (docs/pantavisor.md §4.7). */
export const containerNetwork = z.object({
  mode: given(z.enum(["host", "pool"])),
  pool: given(z.string()),
  // The template's default is the container's name, which may be no host name.
  hostname: given(z.string().regex(/^[A-Za-z0-9][\w.-]{0,62}$/, "must be a host name")),
  ip: given(address),
  mac: given(z.string().regex(/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/, "must be a MAC address")),
});
export type ContainerNetwork = z.infer<typeof containerNetwork>;

const subnet = z
  .string()
  .refine((text) => toSubnet(text) !== undefined, "must be an IPv4 subnet as 10.0.5.0/24")
  .transform((text) => toSubnet(text) ?? { base: 0, prefix: 32 });

const pool = z
  .object({
    type: z
      .enum(["bridge"], { error: "must be bridge: no other kind can be made here" })
      .default("bridge"),
    bridge: deviceName,
    subnet,
    gateway: address,
    nat: z.boolean().default(false),
  })
  .refine((one) => isInside(one.subnet, one.gateway), { error: "gateway: must be in the subnet" });
const poolsSchema = z.record(z.string(), pool);

/** Addresses of a bridge, as device.json has them under `network.pools`. */
export type Pool = z.infer<typeof pool>;
export type Subnet = z.infer<typeof subnet>;

/** @throws z.ZodError naming the key that is wrong */
export function parsePools(value: unknown): ReadonlyMap<string, Pool> {
  return new Map(Object.entries(poolsSchema.parse(value)));
}

export function toAddress(text: string): Address | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || parts.some((part) => !/^(0|[1-9]\d{0,2})$/.test(part)))
    return undefined;
  const numbers = parts.map(Number);
  if (numbers.some((number) => number > 255)) return undefined;
  return numbers.reduce((sum, number) => sum * 256 + number, 0);
}

export function showAddress(value: Address): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

/** First address that a host of the subnet may have, and the last. */
export function hostsOf({ base, prefix }: Subnet): { first: Address; last: Address } {
  return { first: base + 1, last: base + 2 ** (32 - prefix) - 2 };
}

export function isInside(range: Subnet, value: Address): boolean {
  const { first, last } = hostsOf(range);
  return value >= first && value <= last;
}

function toSubnet(text: string): { base: Address; prefix: number } | undefined {
  const [, network = "", bits = ""] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  const value = toAddress(network);
  const prefix = Number(bits);
  if (value === undefined || bits === "" || prefix < 8 || prefix > 30) return undefined;
  const size = 2 ** (32 - prefix);
  return { base: Math.floor(value / size) * size, prefix };
}
