import type { Output } from "./output.ts";

/** An output that says nothing before `flush` but warnings. */
export function silent(output: Output): Output {
  const held: [line: string, times: number | undefined][] = [];
  return {
    log: (line, times) => void held.push([line, times]),
    warn: (line) => output.warn(line),
    flush() {
      for (const [line, times] of held.splice(0)) output.log(line, times);
      output.flush();
    },
  };
}
