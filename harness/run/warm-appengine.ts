import type { AppengineStates } from "../appengine/reset-appengine.ts";
import { messageOfThrown } from "../thrown.ts";
import type { BootedAppengine } from "./booted-appengine.ts";
import type { Variant } from "./variants.ts";

/** Boots an appengine under these quirks. */
type Boot = (
  quirks: readonly string[],
  environment: Readonly<Record<string, string>>,
) => Promise<BootedAppengine>;

/**
 * The appengine of a scenario whose checks run under one quirk after the other. It stays for quirks of
 * pv-xconnect, which is started anew under each; any other quirk takes a boot.
 */
export class WarmAppengine {
  readonly #boot: Boot;
  readonly #switchable: ReadonlySet<string>;
  readonly #canReset: boolean;
  readonly #note: (text: string) => void;
  #booted: BootedAppengine | undefined;
  /** Its states; undefined when it cannot be used again. */
  #states: AppengineStates | undefined;
  /** The quirk of the broker that runs. */
  #quirk: string | undefined;
  #isUsed = false;
  /** Checks that pass on new appengines alone. */
  readonly #fastidious = new Set<string>();

  /**
   * @param switchable quirks of pv-xconnect
   * @param canReset the appengine comes to rest after its boot
   */
  constructor(
    boot: Boot,
    switchable: readonly string[],
    canReset: boolean,
    note: (text: string) => void,
  ) {
    this.#boot = boot;
    this.#switchable = new Set(switchable);
    this.#canReset = canReset;
    this.#note = note;
  }

  /** A check has run on it since its boot. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** An appengine as after a boot, under this quirk alone. @throws PvhError */
  async under({ check, quirk }: Variant, signal: AbortSignal): Promise<BootedAppengine> {
    const isSwitched = quirk === undefined || this.#switchable.has(quirk);
    if (!isSwitched || !this.#canReset || this.#fastidious.has(check)) {
      await this.remove();
      return (this.#booted = await this.#boot(quirk === undefined ? [] : [quirk], {}));
    }
    const kept = await this.#reset(quirk, signal);
    if (kept !== undefined) return kept;
    const booted = await this.#bootStrict(signal);
    if (quirk === undefined) return booted;
    const switched = await this.#reset(quirk, signal);
    if (switched !== undefined) return switched;
    // The state under a quirk that keeps everything from its state is that after a boot under it.
    await this.remove();
    return (this.#booted = await this.#boot([quirk], {}));
  }

  /** A new appengine in strict, for a check that failed on this one: it needs new ones from now on. */
  async anew(check: string, signal: AbortSignal): Promise<BootedAppengine> {
    this.#fastidious.add(check);
    return await this.#bootStrict(signal);
  }

  async remove(): Promise<void> {
    const booted = this.#booted;
    this.#isUsed = false;
    this.#booted = this.#states = this.#quirk = undefined;
    await booted?.remove();
  }

  async #bootStrict(signal: AbortSignal): Promise<BootedAppengine> {
    const { QUIRKS_FILE } = await import("../appengine/switch-quirk.ts");
    const { appengineState } = await import("../appengine/reset-appengine.ts");
    await this.remove();
    const booted = (this.#booted = await this.#boot([], { PVH_QUIRKS_FILE: QUIRKS_FILE }));
    const { appengine } = booted.container;
    await appengine.text(`: >${QUIRKS_FILE}`, { signal });
    const first = await appengineState(appengine, signal);
    appengine.takeEntered();
    this.#states = { first, last: first };
    return booted;
  }

  /** @returns undefined when there is no appengine that is as after its boot */
  async #reset(
    quirk: string | undefined,
    signal: AbortSignal,
  ): Promise<BootedAppengine | undefined> {
    const booted = this.#booted;
    const states = this.#states;
    if (booted === undefined || states === undefined) return undefined;
    const { resetAppengine } = await import("../appengine/reset-appengine.ts");
    const { appengine } = booted.container;
    const isStrict = quirk === undefined && this.#quirk === undefined;
    const broker = isStrict ? undefined : { quirk };
    try {
      const last = await resetAppengine(appengine, states, signal, broker);
      this.#quirk = quirk;
      this.#isUsed = true;
      this.#states = { first: states.first, last };
      return booted;
    } catch (error) {
      if (signal.aborted) throw error;
      this.#note(`the appengine is booted anew: ${messageOfThrown(error)}`);
      return undefined;
    }
  }
}
