import { styleText } from "node:util";

/** Colours, or none; the meaning never hangs on them. */
export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly unsure: (text: string) => string;
  readonly dim: (text: string) => string;
}

const same = (text: string): string => text;
export const noPaint: Paint = { good: same, bad: same, unsure: same, dim: same };

const styled =
  (style: "green" | "red" | "yellow" | "dim") =>
  (text: string): string =>
    styleText(style, text, { validateStream: false });

const ansiPaint: Paint = {
  good: styled("green"),
  bad: styled("red"),
  unsure: styled("yellow"),
  dim: styled("dim"),
};

/** NO_COLOR (no-color.org), then FORCE_COLOR and CLICOLOR_FORCE, then what the stream is. */
export function choosePaint(
  env: Readonly<Record<string, string | undefined>>,
  isTty: boolean,
): Paint {
  const forced = [env["FORCE_COLOR"], env["CLICOLOR_FORCE"]].some(
    (value) => value !== undefined && value !== "" && value !== "0",
  );
  if (forced) return ansiPaint;
  if ((env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb" || !isTty) return noPaint;
  return ansiPaint;
}
