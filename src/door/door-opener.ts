import { hasCommands } from '../config/door-commands.ts'
import type { Address } from '../packet/address.ts'
import type { Grant } from './grant.ts'
import { BY_HAND } from './held.ts'
import type { May } from './held.ts'
import type { OpeningStatus } from '../control/message.ts'
import type { Opener } from './opener.ts'

/** Opens doors by the guard, by commands, or both. A door with neither has nothing to open but counts as open. */
export class DoorOpener implements Opener {
  readonly #ports: Opener
  readonly #commands: Opener

  constructor(ports: Opener, commands: Opener) {
    this.#ports = ports
    this.#commands = commands
  }

  prepare(grant: Grant): void {
    if (opensPorts(grant)) this.#ports.prepare?.(grant)
  }

  async open(grant: Grant, opened: () => void): Promise<boolean> {
    const { door, commands, holder } = grant
    const said = once(opened)
    const ports = opensPorts(grant)
    const runs = commands !== undefined || hasCommands(door)
    if (!ports && !runs) {
      said()
      return true
    }
    const isOpen = ports && (await this.#ports.open(grant, said))
    // An operator is told that the door stays shut, so nothing of it may open.
    const isRefused = ports && !isOpen && holder === BY_HAND
    return runs && !isRefused ? (await this.#commands.open(grant, said)) || isOpen : isOpen
  }

  get count(): number {
    return this.#ports.count + this.#commands.count
  }

  list(max = Infinity): readonly OpeningStatus[] {
    const ports = this.#ports.list(max)
    return [...ports, ...this.#commands.list(max - ports.length)]
  }

  async close(door: string | undefined, source: Address | undefined): Promise<number> {
    return (await this.#ports.close(door, source)) + (await this.#commands.close(door, source))
  }

  async release(may: May): Promise<void> {
    await Promise.all([this.#ports.release(may), this.#commands.release(may)])
  }
}

/** Returns true if the grant opens ports of its door: commands of its own replace them. */
function opensPorts({ commands, door }: Grant): boolean {
  return commands === undefined && door.opens.length > 0
}

/** Returns a function that calls `what` the first time only. */
function once(what: () => void): () => void {
  let done = false
  return () => {
    if (!done) what()
    done = true
  }
}
