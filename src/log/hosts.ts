import { LruMap } from '../limit/lru-map.ts'
import { parseAddress } from '../packet/address.ts'

/** The most simultaneous look-ups. Each occupies a thread of the pool that the log file also needs. */
export const LOOKUPS_MAX = 2
/** The most addresses that wait for a look-up. Further lines are written without a host name. */
export const LOOKUPS_WAITING_MAX = 256
/** The most answers in the cache. */
export const HOSTS_MAX = 4_096
/** Milliseconds for which an answer is cached, also the answer that no name exists. */
export const HOST_AGE_MAX_MS = 600_000
/** The longest host name in characters (RFC 1035, 2.3.4, less the length of the root). */
const HOST_MAX_CHARS = 253

interface Answer {
  readonly host: string | undefined
  readonly at: number
}

/** The host names of addresses, from the DNS. */
export class Hosts {
  readonly #lookup: (address: string) => Promise<string | undefined>
  readonly #now: () => number
  readonly #answers = new LruMap<string, Answer>(HOSTS_MAX)
  readonly #asked = new Map<string, Promise<string | undefined>>()
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(lookup: (address: string) => Promise<string | undefined>, now: () => number) {
    this.#lookup = lookup
    this.#now = now
  }

  /** Returns the cached answer; `undefined` means that a look-up is needed. */
  known(address: string): { readonly host: string | undefined } | undefined {
    const answer = this.#answers.peek(address)
    if (answer === undefined || Math.abs(this.#now() - answer.at) < HOST_AGE_MAX_MS) return answer
    this.#answers.delete(address)
    return undefined
  }

  /**
   * Looks up the host name. Never rejects. It resolves to `undefined` after a failure, for an implausible name, and if
   * too many look-ups wait.
   */
  async ask(address: string): Promise<string | undefined> {
    const asked = this.#asked.get(address)
    if (asked !== undefined) return await asked
    if (this.#waiting.length >= LOOKUPS_WAITING_MAX) return undefined
    const answer = this.#ask(address)
    this.#asked.set(address, answer)
    return await answer
  }

  async #ask(address: string): Promise<string | undefined> {
    if (this.#running < LOOKUPS_MAX) this.#running++
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    let host: string | undefined
    try {
      host = plausibleHost(await this.#lookup(address))
    } catch {
      host = undefined
    }
    // The next waiting look-up takes over the free place.
    const next = this.#waiting.shift()
    if (next === undefined) this.#running--
    else next()
    this.#asked.delete(address)
    this.#answers.set(address, { host, at: this.#now() })
    return host
  }
}

/**
 * Returns the name if it is a plausible host name. The owner of an address range can publish any name. Permitted are
 * letters, digits, hyphens and dots (RFC 1123, 2.1), and the underscores that exist in practice. A name that looks like
 * an address is refused.
 */
export function plausibleHost(name: string | undefined): string | undefined {
  if (name === undefined) return undefined
  const host = name.endsWith('.') ? name.slice(0, -1) : name
  if (host.length > HOST_MAX_CHARS || parseAddress(host) !== undefined) return undefined
  const labels = host.split('.')
  if (!labels.every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label))) return undefined
  return /^[0-9]+$/.test(labels.at(-1)!) ? undefined : host
}
