import { onTestFinished, vi } from "vitest";

/** Lines that go to stderr for the rest of this test, with `PVH_DEBUG` set to `topics`. */
export function captureDebug(topics: string): string[] {
  const lines: string[] = [];
  vi.stubEnv("PVH_DEBUG", topics);
  const spy = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    lines.push(String(text).trimEnd());
    return true;
  });
  onTestFinished(() => {
    spy.mockRestore();
    vi.unstubAllEnvs();
  });
  return lines;
}
