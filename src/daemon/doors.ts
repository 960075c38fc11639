import type { Door } from '../config/config.ts'
import type { Gate } from '../gate/gate.ts'
import type { Secret } from '../gate/secret.ts'
import type { Store } from '../state/store.ts'
import { OneTimeDoor } from './one-time-door.ts'
import { secretOf, signatureOf } from './secret.ts'

/** What the daemon keeps of one door. */
interface Kept {
  door: Door
  readonly signature: string
  readonly fixed: Secret | undefined
  readonly list: OneTimeDoor | undefined
}

/** The doors of the config in force, and the sequences that the gate knows of them. */
export class Doors {
  readonly #gate: Gate
  readonly #store: Store
  readonly #say: (level: 'notice' | 'warning' | 'error', text: string) => void
  /** Called when the gate knows other sequences, and so needs to see other packets. */
  readonly #changed: () => void
  #kept = new Map<string, Kept>()

  constructor(
    gate: Gate,
    store: Store,
    say: (level: 'notice' | 'warning' | 'error', text: string) => void,
    changed: () => void,
  ) {
    this.#gate = gate
    this.#store = store
    this.#say = say
    this.#changed = changed
  }

  /** Every sequence that opens something at the moment. */
  *secrets(): Generator<Secret> {
    for (const { fixed, list } of this.#kept.values()) {
      const secret = fixed ?? list?.secret
      if (secret !== undefined) yield secret
    }
  }

  /** The door of this name, in the config in force. */
  find(name: string): Door | undefined {
    return this.#kept.get(name)?.door
  }

  /** How many sequences are left in a door's list; `undefined`: it has none. */
  left(name: string): number | undefined {
    return this.#kept.get(name)?.list?.left
  }

  /** Whether the opened secret may open its door: a one-time sequence has to be struck out first. */
  async mayOpen(secret: Secret): Promise<boolean> {
    if (!secret.once) return true
    return (await this.#kept.get(secret.door)?.list?.strike(secret)) ?? false
  }

  /** Puts other doors in force. What did not change of a door's sequence goes on, with the attempts at it. */
  replace(doors: readonly Door[]): void {
    const before = this.#kept
    const after = new Map<string, Kept>()
    for (const door of doors) {
      const signature = signatureOf(door)
      const kept = before.get(door.name)
      if (kept?.signature !== signature) continue
      kept.door = door
      after.set(door.name, kept)
    }
    for (const [name, { fixed, list }] of before) {
      if (after.has(name)) continue
      if (fixed !== undefined) this.#gate.remove(fixed)
      list?.close()
    }
    // In the order of the config, which is that of the log lines where sequences begin alike.
    this.#kept = new Map()
    for (const door of doors) this.#kept.set(door.name, after.get(door.name) ?? this.#add(door))
  }

  close(): void {
    for (const { list } of this.#kept.values()) list?.close()
  }

  #add(door: Door): Kept {
    const signature = signatureOf(door)
    if (door.secret.kind === 'sequence') {
      const fixed = secretOf(door, door.secret.knocks)
      this.#gate.add(fixed)
      return { door, signature, fixed, list: undefined }
    }
    const list = new OneTimeDoor(door, door.secret.path, this.#gate, this.#store, this.#say, this.#changed)
    list.refresh()
    return { door, signature, fixed: undefined, list }
  }
}
