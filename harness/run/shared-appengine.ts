import type { AppengineStates } from "../appengine/reset-appengine.ts";
import type { StartedAppengineContainer } from "../appengine/started-appengine-container.ts";

/** The appengine of a share, while its scenarios use it in turn. */
export class SharedAppengine {
  #container: StartedAppengineContainer | undefined;
  #states: AppengineStates | undefined;
  #users: string[] = [];

  /** Scenarios that have used it, in their order. */
  get users(): readonly string[] {
    return this.#users;
  }

  /** Remember how the appengine is that the scenario has booted. */
  async begin(
    container: StartedAppengineContainer,
    scenario: string,
    signal: AbortSignal,
  ): Promise<void> {
    // Loaded late: a scenario with an appengine of its own needs none of it.
    const { appengineState } = await import("../appengine/reset-appengine.ts");
    const first = await appengineState(container.appengine, signal);
    this.#states = { first, last: first };
    container.appengine.takeEntered();
    this.#container = container;
    this.#users = [scenario];
  }

  /**
   * The appengine, as after its boot.
   * @returns undefined when there is none
   * @throws PvhError why it is not as after its boot; then it is to be removed
   */
  async take(
    scenario: string,
    signal: AbortSignal,
  ): Promise<StartedAppengineContainer | undefined> {
    const container = this.#container;
    if (container === undefined || this.#states === undefined) return undefined;
    const { resetAppengine } = await import("../appengine/reset-appengine.ts");
    const last = await resetAppengine(container.appengine, this.#states, signal);
    this.#states = { ...this.#states, last };
    this.#users.push(scenario);
    return container;
  }

  /** @returns the appengine, which is nobody's any more */
  release(): StartedAppengineContainer | undefined {
    const container = this.#container;
    this.#container = undefined;
    return container;
  }
}

const appengines = new Map<string, SharedAppengine>();

/** The one of this process and share. */
export function sharedAppengine(share: string): SharedAppengine {
  const known = appengines.get(share) ?? new SharedAppengine();
  appengines.set(share, known);
  return known;
}
