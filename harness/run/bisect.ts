/** How a scenario ended on an image: `unknown` is neither a pass nor the product's failure. */
export type Outcome = "good" | "bad" | "unknown";

export interface Bisection {
  /** The last image that is known to be good, and the first that is known to be bad. */
  readonly good: string;
  readonly bad: string;
  /** Images between them that cannot be judged. */
  readonly unknown: readonly string[];
}

/** Why there is nothing to search for. */
export class NotBracketed extends Error {
  override readonly name = "NotBracketed";
}

/** Runs on the bad end, which tell how often it fails. */
const TRIALS = 3;
/** Chance with which a bad image may pass for a good one. */
const MISTAKE = 0.05;

/**
 * Find where a scenario begins to fail in a list of images, oldest first: the first is good, the last bad.
 * Both ends are tried before. The bad one is tried several times: the more rarely it fails, the more often
 * an image has to pass to count as good.
 *
 * @param run the scenario once on an image
 * @throws NotBracketed when an end is not what it has to be
 */
export async function bisect(
  images: readonly string[],
  run: (image: string) => Promise<Outcome>,
  tell: (line: string) => void,
): Promise<Bisection> {
  const first = images[0] ?? "";
  const last = images.at(-1) ?? "";
  const repeats = await repeatsFor(last, run, tell);
  const judge = (image: string): Promise<Outcome> => judged(image, repeats, run);
  if ((await judge(first)) !== "good") throw new NotBracketed(`${first} is not good`);
  tell(`${first} is good in ${repeats} of ${repeats} runs`);
  let [low, high] = [0, images.length - 1];
  const unknown = new Set<number>();
  for (;;) {
    const middle = nearest((low + high) / 2, low, high, unknown);
    if (middle === undefined) break;
    const image = images[middle] ?? "";
    const outcome = await judge(image);
    tell(`${image} is ${outcome === "unknown" ? "not to be judged" : outcome}`);
    if (outcome === "good") low = middle;
    else if (outcome === "bad") high = middle;
    else unknown.add(middle);
  }
  return {
    good: images[low] ?? "",
    bad: images[high] ?? "",
    unknown: images.filter((_, at) => at > low && at < high),
  };
}

/** @returns how often an image has to pass */
async function repeatsFor(
  bad: string,
  run: (image: string) => Promise<Outcome>,
  tell: (line: string) => void,
): Promise<number> {
  let fails = 0;
  for (let trial = 0; trial < TRIALS; trial += 1) if ((await run(bad)) === "bad") fails += 1;
  if (fails === 0) throw new NotBracketed(`${bad} is not bad in ${TRIALS} runs`);
  tell(`${bad} is bad in ${fails} of ${TRIALS} runs`);
  const rate = fails / TRIALS;
  return rate === 1 ? 1 : Math.ceil(Math.log(MISTAKE) / Math.log(1 - rate));
}

/** One failure is enough for bad. */
async function judged(
  image: string,
  repeats: number,
  run: (image: string) => Promise<Outcome>,
): Promise<Outcome> {
  for (let trial = 0; trial < repeats; trial += 1) {
    const outcome = await run(image);
    if (outcome !== "good") return outcome;
  }
  return "good";
}

/** The place between low and high that is nearest to the middle and not yet known to be of no use. */
function nearest(
  middle: number,
  low: number,
  high: number,
  unknown: ReadonlySet<number>,
): number | undefined {
  const places = Array.from({ length: Math.max(0, high - low - 1) }, (_, index) => low + 1 + index);
  return places
    .filter((place) => !unknown.has(place))
    .toSorted((a, b) => Math.abs(a - middle) - Math.abs(b - middle))[0];
}
