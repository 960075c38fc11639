import { GateAuthenticator } from './gate-authenticator.ts'
import { GeneratedDoor } from './generated-door.ts'
import type { GeneratedDeps } from './generated-door.ts'

/** Doors with a list of one-time sequences that the daemon makes. A list that is missing is made a moment later. */
export class GeneratedAuthenticator extends GateAuthenticator<'generated', GeneratedDoor> {
  constructor(deps: GeneratedDeps) {
    super((door, _, closing) => new GeneratedDoor(door, deps, closing))
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
}
