import type { Door } from '../../config/config.ts'
import { secretOf } from '../../daemon/secret.ts'
import type { Gate } from '../../gate/gate.ts'
import type { Secret } from '../../gate/secret.ts'
import { OneTimeList } from '../../state/one-time.ts'
import { usedMark } from '../../state/used-mark.ts'

/** The sequences of a config's doors, in a gate. Lists of one-time sequences are read and never struck. */
export class Lists {
  readonly #gate: Gate
  readonly #warn: (text: string) => void
  readonly #used = new Set<string>()
  readonly #lists = new Map<string, { readonly door: Door; readonly list: OneTimeList; secret: Secret | undefined }>()
  readonly #fixed: Secret[] = []

  constructor(doors: readonly Door[], gate: Gate, warn: (text: string) => void) {
    this.#gate = gate
    this.#warn = warn
    const store = {
      used: async (): Promise<boolean> => await Promise.resolve(false),
      wasUsed: (door: string, mark: string): boolean => this.#used.has(`${door}\n${mark}`),
    }
    for (const door of doors) {
      if (door.secret.kind === 'one-time') {
        const list = new OneTimeList(door.name, door.secret.path, store)
        this.#lists.set(door.name, { door, list, secret: undefined })
        this.#next(door.name)
      } else {
        const secret = secretOf(door, door.secret.knocks)
        this.#fixed.push(secret)
        gate.add(secret)
      }
    }
  }

  /** Every sequence that opens something at the moment. */
  *secrets(): Generator<Secret> {
    yield* this.#fixed
    for (const { secret } of this.#lists.values()) if (secret !== undefined) yield secret
  }

  /** Notes that a sequence of a list opened its door: the next one takes its place. */
  used(secret: Secret): void {
    this.#used.add(`${secret.door}\n${usedMark(secret.door, secret.knocks)}`)
    this.#next(secret.door)
  }

  #next(name: string): void {
    const kept = this.#lists.get(name)!
    kept.secret = undefined
    try {
      const { next } = kept.list.read()
      if (next === undefined) {
        this.#warn(`${name}: no sequence is left in its list`)
        return
      }
      kept.secret = secretOf(kept.door, next)
      this.#gate.add(kept.secret)
    } catch (error) {
      this.#warn(`${name}: opens to nobody: ${(error as Error).message}`)
    }
  }
}
