import { knockKey } from './secret.ts'
import type { Secret } from './secret.ts'

/**
 * The sequences that run through one stage, where there are several: thousands where many people knock at one door, so
 * nothing here is counted through when a packet comes or a code is replaced.
 */
export class Company {
  readonly #secrets = new Set<Secret>()
  /** How many sequences there are for each door, the oldest first. */
  readonly #counts = new Map<string, number>()
  /** How many sequences have each knock; made when first asked for. */
  #knocks: Map<number, number> | undefined
  #doors: readonly string[] | undefined

  /** Names of the doors, each once. */
  get doors(): readonly string[] {
    this.#doors ??= [...this.#counts.keys()]
    return this.#doors
  }

  /** Whether one of the sequences has the knock, at whatever place. */
  owns(key: number): boolean {
    if (this.#knocks === undefined) {
      this.#knocks = new Map()
      for (const secret of this.#secrets) count(this.#knocks, secret, 1)
    }
    return this.#knocks.has(key)
  }

  add(secret: Secret): void {
    this.#secrets.add(secret)
    const before = this.#counts.get(secret.door) ?? 0
    this.#counts.set(secret.door, before + 1)
    if (before === 0) this.#doors = undefined
    if (this.#knocks !== undefined) count(this.#knocks, secret, 1)
  }

  /** Takes one out. Gives the one that is left, if it is the only one. */
  remove(secret: Secret): Secret | undefined {
    if (!this.#secrets.delete(secret)) return undefined
    const left = this.#counts.get(secret.door)! - 1
    if (left > 0) {
      this.#counts.set(secret.door, left)
    } else {
      this.#counts.delete(secret.door)
      this.#doors = undefined
    }
    if (this.#knocks !== undefined) count(this.#knocks, secret, -1)
    if (this.#secrets.size > 1) return undefined
    const [last] = this.#secrets
    return last
  }
}

/** Whether a sequence has the knock, at whatever place. */
export function has(secret: Secret, key: number): boolean {
  return secret.knocks.some(({ protocol, port }) => knockKey(protocol, port) === key)
}

function count(counts: Map<number, number>, { knocks }: Secret, by: 1 | -1): void {
  for (const { protocol, port } of knocks) {
    const key = knockKey(protocol, port)
    const after = (counts.get(key) ?? 0) + by
    if (after > 0) counts.set(key, after)
    else counts.delete(key)
  }
}
