import type { Door } from '../config/config.ts'
import { formatAddress } from '../packet/address.ts'
import { formatNetwork } from '../packet/network.ts'

/** A door with a secret of one kind. */
export type DoorOf<Kind extends Door['secret']['kind']> = Door & {
  readonly secret: Extract<Door['secret'], { kind: Kind }>
}

/** The state that an authenticator keeps for a door. */
export interface DoorState {
  /** Reads the door's files again, after a reload that left the door's secret as it was. */
  refresh(): void
  /** Ends the state. The files may change until the promise resolves. */
  close(): Promise<void> | void
}

/** A door in force, and its state. */
export interface InForce<D extends Door, State> {
  readonly door: D
  readonly state: State
}

interface Kept<D extends Door, State> extends InForce<D, State> {
  readonly signature: string
}

/**
 * The doors of one kind that are in force, by name. A door keeps its state if the same secret opens it under the same
 * conditions after a reload. Otherwise the state is made anew, and the state of a removed door is closed.
 */
export class DoorSet<D extends Door, State extends DoorState> implements Iterable<State> {
  #kept: ReadonlyMap<string, Kept<D, State>> = new Map()
  /** The states that are being closed. */
  readonly #closing = new Map<string, Promise<unknown>>()

  find(name: string): InForce<D, State> | undefined {
    return this.#kept.get(name)
  }

  /** Yields the states in the config's order. */
  *[Symbol.iterator](): Iterator<State> {
    for (const { state } of this.#kept.values()) yield state
  }

  /**
   * Puts doors in force in place of the previous ones.
   *
   * @param make makes the state of a door. It gets the previous state if that was made from the same file. It also gets
   *   the end of an earlier state of that name that is still being closed.
   */
  replace(
    doors: readonly D[],
    make: (door: D, before: State | undefined, closing: Promise<unknown> | undefined) => State,
  ): void {
    const before = this.#kept
    const after = new Map<string, Kept<D, State>>()
    for (const door of doors) {
      const same = before.get(door.name)
      if (same === undefined || same.signature !== signatureOf(door)) continue
      after.set(door.name, { ...same, door })
      same.state.refresh()
    }
    for (const [name, { state }] of before) if (!after.has(name)) this.#close(name, state)
    // The config's order decides which of two doors comes first where sequences are the same.
    this.#kept = new Map(
      doors.map((door) => {
        const previous = before.get(door.name)
        const state = isSameFile(previous?.door, door) ? previous?.state : undefined
        const fresh = (): Kept<D, State> => {
          return { door, signature: signatureOf(door), state: make(door, state, this.#closing.get(door.name)) }
        }
        return [door.name, after.get(door.name) ?? fresh()]
      }),
    )
  }

  /** Closes all states, and waits for those that are being closed. */
  async close(): Promise<void> {
    for (const [name, { state }] of this.#kept) this.#close(name, state)
    this.#kept = new Map()
    await Promise.all(this.#closing.values())
  }

  #close(name: string, state: State): void {
    const closing = state.close()
    if (closing === undefined) return
    const all = Promise.all([this.#closing.get(name), closing]).finally(() => {
      if (this.#closing.get(name) === all) this.#closing.delete(name)
    })
    this.#closing.set(name, all)
  }
}

/** Returns the same string for two doors that the same knocks open, so that attempts survive a reload. */
function signatureOf({ name, secret, seqTimeoutMs, tcpFlags, target, allowFrom }: Door): string {
  const to = target === undefined ? '' : formatAddress(target)
  return JSON.stringify([name, secret, seqTimeoutMs, tcpFlags, to, allowFrom.map(formatNetwork)])
}

function isSameFile(before: Door | undefined, { secret }: Door): boolean {
  return before !== undefined && 'path' in before.secret && 'path' in secret && before.secret.path === secret.path
}
