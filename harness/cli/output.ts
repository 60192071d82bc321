/** Where a command's words go: data to stdout, everything else to stderr. */
export interface Output {
  /** Prints the requested data, one or more lines. */
  data(text: string): void;
  /** Prints everything else: progress, hints, errors. */
  say(text: string): void;
}

export const processOutput: Output = {
  data: (text) => void process.stdout.write(`${text}\n`),
  say: (text) => void process.stderr.write(`${text}\n`),
};
