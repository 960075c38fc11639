import type { DoorOf } from './door-set.ts'
import { GateAuthenticator } from './gate-authenticator.ts'
import { GeneratedDoor } from './generated-door.ts'
import type { GeneratedDeps } from './generated-door.ts'

/** Doors with a list of one-time sequences that the daemon makes. A list that is missing is made a moment later. */
export class GeneratedAuthenticator extends GateAuthenticator<'generated', GeneratedDoor> {
  readonly #deps: GeneratedDeps

  constructor(deps: GeneratedDeps) {
    super()
    this.#deps = deps
  }

  /**
   * Replaces the list of a door with a new one.
   *
   * @returns the number of its sequences, or `undefined` if the daemon makes no list for the door
   * @throws the system's error (as a rejection); nothing has changed then
   */
  async rotate(door: string): Promise<number | undefined> {
    return await this.find(door)?.rotate()
  }

  protected override make(
    door: DoorOf<'generated'>,
    _: GeneratedDoor | undefined,
    closing: Promise<unknown> | undefined,
  ): GeneratedDoor {
    return new GeneratedDoor(door, this.#deps, closing)
  }
}
