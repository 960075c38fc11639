/** Milliseconds that a line waits for a host's name. */
export const LOOKUP_WAIT_MS = 2_000
/** Look-ups under way at the same time; each takes a thread of the pool that writes the journal too. */
const LOOKUPS_MAX = 2
/** Names kept, and for how long, milliseconds. */
const NAMES_MAX = 1_024
const NAME_AGE_MS = 600_000
/** Lines that wait for a name at most; further ones go without. */
const WAITING_MAX = 1_024
/** What a host name may be made of (RFC 1123, and the underscore that some have). */
const NAME_PATTERN = /^[\w-]([\w.-]{0,251}[\w-])?$/

/** Asks for the name of an address; `undefined` if it has none. */
export type Lookup = (address: string) => Promise<string | undefined>

interface Name {
  readonly name: string | undefined
  readonly until: number
}

/** Names of addresses, found without holding anybody up. */
export class Names {
  readonly #lookup: Lookup
  readonly #known = new Map<string, Name>()
  readonly #asked = new Map<string, Promise<string | undefined>>()
  #underWay = 0
  #waiting = 0
  readonly #turns: (() => void)[] = []

  constructor(lookup: Lookup) {
    this.#lookup = lookup
  }

  /** Calls back with the name once it is known, or without one after {@link LOOKUP_WAIT_MS}; in the order of the calls. */
  with(address: string, now: number, use: (name: string | undefined) => void): void {
    const known = this.#known.get(address)
    const asked = this.#asked.get(address)
    if (asked === undefined && known !== undefined && known.until > now) {
      use(known.name)
      return
    }
    if (asked === undefined && this.#waiting >= WAITING_MAX) {
      use(undefined)
      return
    }
    this.#waiting++
    const answer = asked ?? this.#ask(address, now)
    void answer.then((name) => {
      this.#waiting--
      use(name)
    })
  }

  #ask(address: string, now: number): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), LOOKUP_WAIT_MS)
    })
    const answer = Promise.race([this.#inTurn(address), late]).then((name) => {
      clearTimeout(timer)
      const plausible = name !== undefined && NAME_PATTERN.test(name) ? name : undefined
      this.#asked.delete(address)
      this.#remember(address, { name: plausible, until: now + NAME_AGE_MS })
      return plausible
    })
    this.#asked.set(address, answer)
    return answer
  }

  async #inTurn(address: string): Promise<string | undefined> {
    if (this.#underWay >= LOOKUPS_MAX) await new Promise<void>((resolve) => this.#turns.push(resolve))
    this.#underWay++
    try {
      return await this.#lookup(address)
    } catch {
      return undefined
    } finally {
      this.#underWay--
      this.#turns.shift()?.()
    }
  }

  #remember(address: string, name: Name): void {
    this.#known.delete(address)
    this.#known.set(address, name)
    if (this.#known.size <= NAMES_MAX) return
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest)
      return
    }
  }
}
