import { parseAddress } from '../../packet/address.ts'

/** Look-ups under way at once. Each holds a thread of the pool, which the log file needs as well. */
export const LOOKUPS_MAX = 2
/** Addresses that wait for a look-up, at most; what comes beyond is written without its name. */
export const LOOKUPS_WAITING_MAX = 256
/** Answers that are remembered. */
export const HOSTS_MAX = 4_096
/** Milliseconds for which an answer is good, also the one that there is no name. */
export const HOST_AGE_MAX_MS = 600_000
/** Longest host name, in characters (RFC 1035, 2.3.4, less the length of the root). */
const HOST_MAX_CHARS = 253

interface Answer {
  readonly host: string | undefined
  readonly at: number
}

/** The names that the DNS has for addresses. */
export class Hosts {
  readonly #lookup: (address: string) => Promise<string | undefined>
  readonly #now: () => number
  readonly #answers = new Map<string, Answer>()
  readonly #asked = new Map<string, Promise<string | undefined>>()
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(lookup: (address: string) => Promise<string | undefined>, now: () => number) {
    this.#lookup = lookup
    this.#now = now
  }

  /** What was answered lately; `undefined`: has to be asked. */
  known(address: string): { readonly host: string | undefined } | undefined {
    const answer = this.#answers.get(address)
    if (answer === undefined || Math.abs(this.#now() - answer.at) < HOST_AGE_MAX_MS) return answer
    this.#answers.delete(address)
    return undefined
  }

  /** Asks for the name. Never rejects: no name, a failure, a name that cannot be one, and no room are all `undefined`. */
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
    // Whoever waits next takes over the place.
    const next = this.#waiting.shift()
    if (next === undefined) this.#running--
    else next()
    this.#asked.delete(address)
    this.#answers.delete(address)
    this.#answers.set(address, { host, at: this.#now() })
    if (this.#answers.size > HOSTS_MAX) this.#answers.delete(this.#answers.keys().next().value!)
    return host
  }
}

/**
 * The name, if it can be that of a host: whoever owns an address range writes there what he likes. Letters, digits,
 * hyphens and dots (RFC 1123, 2.1) and the underscores that exist in practice; nothing that could pass for an address.
 */
export function plausibleHost(name: string | undefined): string | undefined {
  if (name === undefined) return undefined
  const host = name.endsWith('.') ? name.slice(0, -1) : name
  if (host.length > HOST_MAX_CHARS || parseAddress(host) !== undefined) return undefined
  const labels = host.split('.')
  if (!labels.every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label))) return undefined
  return /^[0-9]+$/.test(labels.at(-1)!) ? undefined : host
}
