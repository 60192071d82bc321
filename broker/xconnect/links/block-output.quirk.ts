import type { Output } from "./output.ts";

/** Bytes that the C library of 029-32's broker holds back when stdout is a pipe. */
const BLOCK = 4_096;

/** An output that says nothing before a block is full, but warnings. */
export function blockOutput(output: Output): Output {
  let held: [line: string, times: number | undefined][] = [];
  let bytes = 0;
  const release = (): void => {
    for (const [line, times] of held) output.log(line, times);
    held = [];
    bytes = 0;
  };
  return {
    log(line, times = 1) {
      held.push([line, times]);
      bytes += (Buffer.byteLength(line) + 1) * times;
      if (bytes >= BLOCK) release();
    },
    warn: (line) => output.warn(line),
    flush() {
      release();
      output.flush();
    },
  };
}
